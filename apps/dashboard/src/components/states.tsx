import type { ComponentChildren } from 'preact';

/** What stands in for a view that is not there (yet). */

export function Loading({ what }: { readonly what: string }) {
  return (
    <p class="loading" role="status">
      <span class="spinner" aria-hidden="true" />
      Fetching {what} …
    </p>
  );
}

export function Empty({ title, children }: { readonly title: string; readonly children: ComponentChildren }) {
  return (
    <section class="empty">
      <h2>{title}</h2>
      {children}
    </section>
  );
}

export function ProblemBox({ title, reason }: { readonly title: string; readonly reason: string }) {
  return (
    <section class="card problem" role="alert">
      <h2>{title}</h2>
      <p>{reason}</p>
    </section>
  );
}
