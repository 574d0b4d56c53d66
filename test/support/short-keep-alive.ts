/**
 * workerd closes a connection that was idle for five seconds, and undici keeps one for four: a thread that is held up for
 * a second in between would send its next request into a connection that is closing. Tests hold theirs up now and then.
 */
import { Agent, setGlobalDispatcher } from 'undici';

setGlobalDispatcher(new Agent({ keepAliveTimeout: 1_000 }));
