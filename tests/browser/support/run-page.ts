import type { Page } from 'playwright-core';

/** How many steps the curves of the open run show. */
export async function stepsDrawn(page: Page): Promise<number> {
  const text = await page.locator('.drawn').textContent();
  return Number((text ?? '').replaceAll(/\D/g, ''));
}

/** The table of epochs as numbers, newest first: epoch, train ELBO, test ELBO. */
export async function epochRows(page: Page): Promise<number[][]> {
  const rows = page.getByRole('region', { name: 'Epochs' }).locator('tbody tr');
  const texts = await rows.evaluateAll((all) =>
    all.map((row) => [...row.children].map((cell) => cell.textContent ?? '')),
  );
  return texts.map((cells) => cells.slice(0, 3).map((text) => Number(text.replace('−', '-'))));
}
