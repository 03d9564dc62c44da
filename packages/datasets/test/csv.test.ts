import { readCsvExamples } from '@elbo/datasets/importers/csv';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sourceFile } from './support.js';

const plain = { header: false, labelColumn: null, delimiter: ',' };

async function read(text: string, options: Partial<Parameters<typeof readCsvExamples>[1]> = {}) {
  return readCsvExamples(await sourceFile('table.csv', text), { ...plain, ...options });
}

describe('the CSV importer', () => {
  it('reads numbers, with spaces, quotes, exponents, empty lines, CRLF and a byte order mark', async () => {
    const table = await read('\ufeff1, -2.5,"3"\r\n\r\n4e-1,.5,+6.\r\n');
    expect(table).toMatchObject({ count: 2, exampleShape: [3] });
    expect(table.values).toEqual(Float32Array.of(1, -2.5, 3, 0.4, 0.5, 6));
    expect((await read('\ufeff"1","2"\n')).values).toEqual(Float32Array.of(1, 2));
  });

  it('reads lines that end in different ways in one file', async () => {
    for (const text of ['1,2\r\n3,4\n5,6\r7,8', '1,2\r3,4\r\n5,6\n7,8']) {
      expect((await read(text)).values).toEqual(Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8));
    }
    await expect(read('1,2\r\n3,4\n5,x\r\n')).rejects.toMatchObject({ code: 'not-a-number', line: 3 });
  });

  it('takes the label column out, by name or number', async () => {
    for (const labelColumn of ['digit', 2]) {
      const table = await read('a,digit,b\n1,7,2\n3,300,4\n', { header: true, labelColumn });
      expect(table.values).toEqual(Float32Array.of(1, 2, 3, 4));
      expect([...table.labels!]).toEqual([7, 300]);
    }
  });

  it('refuses a column without a name, as pandas writes an index, unless it is the label', async () => {
    const text = ',a,b\n0,1.5,2\n1,3,4\n';
    await expect(read(text, { header: true })).rejects.toThrow(/its column 1 has no name.*index=False/);
    const labelled = await read(text, { header: true, labelColumn: 1 });
    expect(labelled.values).toEqual(Float32Array.of(1.5, 2, 3, 4));
    expect([...labelled.labels!]).toEqual([0, 1]);
  });

  it('gives back any float32 numbers, however many rows', async () => {
    const cell = fc.float({ noNaN: true, noDefaultInfinity: true });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(cell, cell), { minLength: 1, maxLength: 2000 }), async (rows) => {
        const table = await read(rows.map((row) => row.map(String).join(';')).join('\n'), { delimiter: ';' });
        expect([...table.values].map((x) => x + 0)).toEqual(rows.flat().map((x) => x + 0));
      }),
      { numRuns: 20 },
    );
  });

  it('names the line of a ragged row', async () => {
    const short = read('1,2,3\n4,5,6\n7,8\n');
    await expect(short).rejects.toMatchObject({ code: 'ragged-row', line: 3, expectedColumns: 3, actualColumns: 2 });
    await expect(read('a,b\n\n1,2,3\n', { header: true })).rejects.toMatchObject({ code: 'ragged-row', line: 3 });
  });

  it('names the line and column of a cell that is not a number', async () => {
    const cells = ['x', '', '1.2.3', '0x10', '1,5'.replace(',', ' '), '1e', '--1'];
    for (const cell of cells) {
      await expect(read(`1,2\n3,${cell}\n`)).rejects.toMatchObject({ code: 'not-a-number', line: 2, column: 2, cell });
    }
    await expect(read('width,height\n1,2\n')).rejects.toThrow(/line 1, column 1: "width".*--header/);
  });

  it('names the line and column of NaN, infinity and what float32 cannot hold', async () => {
    for (const cell of ['NaN', 'inf', '-Infinity', '1e39']) {
      await expect(read(`1,2\n${cell},3\n`)).rejects.toMatchObject({ code: 'non-finite-value', row: 2, column: 1 });
    }
  });

  it('refuses labels that are not whole numbers from 0 to 65535, and a label column that is not there', async () => {
    for (const label of ['1.5', '-1', '65536', 'cat']) {
      await expect(read(`1,${label}\n`, { labelColumn: 2 })).rejects.toThrow(/line 1, column 2: the label/);
    }
    await expect(read('a,b\n1,2\n', { header: true, labelColumn: 'c' })).rejects.toThrow(/no column c.*a, b/);
    await expect(read('1,2\n', { labelColumn: 3 })).rejects.toThrow(/no column 3/);
    await expect(read('1,2\n', { labelColumn: 'a' })).rejects.toThrow(/no header/);
  });

  it('names an empty file, one with a header alone, one with labels alone, and one that is not there', async () => {
    await expect(read('')).rejects.toMatchObject({ code: 'empty-dataset' });
    await expect(read('a,b\n', { header: true })).rejects.toMatchObject({ code: 'empty-dataset' });
    await expect(read('1\n2\n', { labelColumn: 1 })).rejects.toMatchObject({ code: 'empty-dataset' });
    await expect(readCsvExamples('/nowhere/at-all.csv', plain)).rejects.toMatchObject({ code: 'unreadable-source' });
  });

  it('names the line of a quote that does not close', async () => {
    await expect(read('1,2\n3,"4\n')).rejects.toThrow(/table\.csv: line \d+: .*[Qq]uote/);
  });
});
