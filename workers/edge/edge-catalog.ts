import { systemClock } from '../../shared/core/clock.ts';
import { Catalog } from '../../shared/inference/catalog.ts';

/** What can be served to each tenant now, as this isolate last saw it. */
export const catalog = new Catalog(systemClock);
