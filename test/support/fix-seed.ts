/** Property tests of fast-check draw from the run's one seed. */
import fc from 'fast-check';
import { seed } from './seeded-random.ts';

fc.configureGlobal({ seed });
