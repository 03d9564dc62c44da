import { describeEngine } from './conformance.js';

await describeEngine('tfjs-node');
