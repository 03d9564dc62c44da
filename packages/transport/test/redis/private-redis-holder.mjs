// A process for tests that kill it: it starts a private Redis and keeps it.
import { findRedisServer, startPrivateRedis } from '@elbo/transport/redis/private-redis';

const { url } = await startPrivateRedis(findRedisServer());
process.send(url);
setInterval(() => {}, 1000);
