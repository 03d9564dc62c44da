import type { RunEvent } from '@elbo/protocol/events';
import { Icon } from '../components/icons.js';

/** What the coordinator says of a run that waits for a worker; null when it does not. @param events newest last */
export function waitingForWorker(events: readonly RunEvent[]): string | null {
  const last = events.findLast(
    (event) => event.event !== 'notice' || event.code === 'no-workers' || event.code === 'worker-joined',
  );
  return last?.event === 'notice' && last.code === 'no-workers' ? last.message : null;
}

export function NoWorkers({ message }: { readonly message: string }) {
  return (
    <section class="card alarm" role="status">
      <h2>
        <Icon name="warning" />
        No worker computes for it
      </h2>
      <p>{message}</p>
    </section>
  );
}
