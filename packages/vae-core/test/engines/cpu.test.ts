import { describeEngine } from './conformance.js';

await describeEngine('cpu');
