export const todo = 0;
