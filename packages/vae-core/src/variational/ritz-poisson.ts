/** A piecewise linear function on [0, 1], 0 at both ends. */
export interface PiecewiseLinear {
  /** 1 / elements. */
  readonly h: number;
  /** At the nodes 0, h, 2h, ..., 1. [elements + 1] */
  readonly values: Float64Array;
}

/** Gauss and Legendre's three points on [0, 1], exact for polynomials of degree 5. */
const GAUSS_POINTS = [
  { at: 0.5 - Math.sqrt(0.15), weight: 5 / 18 },
  { at: 0.5, weight: 8 / 18 },
  { at: 0.5 + Math.sqrt(0.15), weight: 5 / 18 },
] as const;

/**
 * Solves -u'' = f on (0, 1) with u(0) = u(1) = 0 by Ritz's method: among the piecewise linear functions on a uniform
 * mesh, the one of the least energy J(v) = 1/2 int v'^2 - int f v (Strang and Fix, An Analysis of the Finite Element
 * Method, 1.3 and 1.6). Setting the energy's derivatives by the nodal values to zero gives a tridiagonal system.
 * The true solution has the least energy of all functions, so that J(u_h) >= J(u); the gap and the L2 error fall as h^2.
 */
export function solvePoisson(f: (x: number) => number, elements: number): PiecewiseLinear {
  if (!(Number.isInteger(elements) && elements >= 2))
    throw new RangeError(`a mesh needs 2 elements or more, not ${elements}`);
  const h = 1 / elements;
  const values = loadVector(f, elements);
  // Thomas's elimination with the stiffness matrix tridiag(-1, 2, -1) / h: its pivots are (i + 1) / i.
  for (let i = 2; i < elements; i++) values[i] = (values[i] as number) + ((i - 1) / i) * (values[i - 1] as number);
  for (let i = elements - 1; i >= 1; i--) {
    values[i] = (i / (i + 1)) * (h * (values[i] as number) + (values[i + 1] as number));
  }
  return { h, values };
}

/** J(v) = 1/2 int v'^2 - int f v. */
export function ritzEnergy({ h, values }: PiecewiseLinear, f: (x: number) => number): number {
  const load = loadVector(f, values.length - 1);
  let energy = 0;
  for (let i = 0; i + 1 < values.length; i++) {
    energy +=
      ((values[i + 1] as number) - (values[i] as number)) ** 2 / (2 * h) - (load[i] as number) * (values[i] as number);
  }
  return energy;
}

/** int f hat_i for the inner nodes, 0 at the ends. [elements + 1] */
function loadVector(f: (x: number) => number, elements: number): Float64Array {
  const h = 1 / elements;
  const load = new Float64Array(elements + 1);
  for (let element = 0; element < elements; element++) {
    for (const { at, weight } of GAUSS_POINTS) {
      const mass = h * weight * f((element + at) * h);
      load[element] = (load[element] as number) + mass * (1 - at);
      load[element + 1] = (load[element + 1] as number) + mass * at;
    }
  }
  load[0] = 0;
  load[elements] = 0;
  return load;
}
