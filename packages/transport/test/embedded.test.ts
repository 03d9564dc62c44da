import { createEmbeddedTransport } from '@elbo/transport/embedded/embedded-transport';
import { describeTransport } from './conformance/describe-transport.js';

describeTransport('the embedded transport', async () => {
  const transport = createEmbeddedTransport();
  return { conductor: transport, worker: async () => transport.worker(), close: () => transport.close() };
});
