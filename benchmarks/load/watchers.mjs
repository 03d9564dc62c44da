/*
 * So many dashboards: `node watchers.mjs <options as JSON>`. Each holds the run's stream and the cluster's open and reads
 * what comes; one more asks what a page asks, one request after the other, ten a second.
 */
import { once } from 'node:events';
import { Agent, get } from 'node:http';

const { api, token, runId, dashboards } = JSON.parse(process.argv[2]);
const headers = { authorization: `Bearer ${token}` };
const agent = new Agent({ keepAlive: true, maxSockets: 2 });
const asked = ['/api/v1/runs', `/api/v1/runs/${runId}`, `/api/v1/runs/${runId}/metrics?points=1000`, '/api/v1/workers'];
const latencies = Object.fromEntries(asked.map((path) => [nameOf(path), []]));
let events = 0;
let began = performance.now();

await Promise.all(
  Array.from({ length: dashboards }, async () => {
    await stream(`/api/v1/runs/${runId}/events`);
    await stream('/api/v1/events');
  }),
);
process.send('open');
events = 0;
began = performance.now();
const asking = ask();
process.on('message', async () => {
  const elapsed = (performance.now() - began) / 1000;
  process.send({ latencies, eventsPerSecond: events / elapsed / dashboards });
  await asking;
});

async function stream(path) {
  const [response] = await once(get(`${api}${path}`, { headers, agent: false }), 'response');
  if (response.statusCode !== 200) throw new Error(`${path}: ${response.statusCode}`);
  response.on('data', (chunk) => {
    for (let at = chunk.indexOf('\n\n'); at >= 0; at = chunk.indexOf('\n\n', at + 2)) events += 1;
  });
  response.on('close', () => {
    throw new Error(`${path}: the stream ended`);
  });
}

async function ask() {
  for (let i = 0; ; i++) {
    const path = asked[i % asked.length];
    const start = performance.now();
    const [response] = await once(get(`${api}${path}`, { headers, agent }), 'response');
    if (response.statusCode !== 200) throw new Error(`${path}: ${response.statusCode}`);
    response.resume();
    await once(response, 'end');
    latencies[nameOf(path)].push(performance.now() - start);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function nameOf(path) {
  return `GET ${path.replace(runId, ':runId')}`;
}
