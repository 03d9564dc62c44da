// The last step of this package's build, which is the last of all: whatever it stands on is built before it.
import { markBuilt } from './build-state.mjs';

markBuilt();
