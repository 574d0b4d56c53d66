/** The Worker: requests to the app, and the object classes for the runtime. */
import { app } from './app.ts';

export * from '../durable-objects/index.ts';

export default { fetch: app.fetch };
