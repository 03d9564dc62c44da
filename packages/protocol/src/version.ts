/** Of all of Elbo's packages: workers and coordinators of one run have the same. */
export const elboVersion = '0.1.0';
