// What the module exports. AssemblyScript, compiled to WebAssembly SIMD on an imported shared memory. Every operation
// is an IEEE 754 add, subtract, multiply, divide or square root of one lane: the same bits on every processor.
// Addresses are bytes; begin, end and lengths are elements.
export { adam, momentum, sgd } from './updates';
export { BLOCK_LENGTH, NONE } from './lanes';
export { firstNonFinite } from './non-finite';
export { sum, sumAndSquares } from './sum';
