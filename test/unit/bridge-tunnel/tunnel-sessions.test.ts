import { describe, expect, it } from 'vitest';
import { DeadAfterMs } from '../../../shared/contracts/tunnel.ts';
import { TunnelSessions, type SessionState } from '../../../durable-objects/bridge-tunnel/tunnel-sessions.ts';

const session = (partial: Partial<SessionState> = {}): SessionState => ({ heardAt: 0, running: 0, ...partial });

describe('the sessions of a tunnel', () => {
  it('give new calls to the newest, and let an older one live until its calls are over', () => {
    const sessions = new TunnelSessions<SessionState>();
    const [old, fresh] = [session({ running: 1 }), session()];
    sessions.add(old);
    expect(sessions.idleOld()).toEqual([]);
    sessions.add(fresh);
    expect(sessions.newest).toBe(fresh);
    expect(sessions.idleOld()).toEqual([]);
    old.running = 0;
    expect(sessions.idleOld()).toEqual([old]);
  });

  it('never count the newest as replaced, however idle it is', () => {
    const sessions = new TunnelSessions<SessionState>();
    sessions.add(session());
    expect(sessions.idleOld()).toEqual([]);
  });

  it('fall back on an older one when the newest has gone', () => {
    const sessions = new TunnelSessions<SessionState>();
    const [old, fresh] = [session({ running: 1 }), session()];
    sessions.add(old);
    sessions.add(fresh);
    expect(sessions.remove(fresh)).toBe(true);
    expect(sessions.remove(fresh)).toBe(false);
    expect(sessions.newest).toBe(old);
  });

  it('are dead once they have been silent for three beats', () => {
    const sessions = new TunnelSessions<SessionState>();
    const [silent, alive] = [session({ heardAt: 0 }), session({ heardAt: 1 })];
    sessions.add(silent);
    sessions.add(alive);
    expect(sessions.silent(DeadAfterMs - 1)).toEqual([]);
    expect(sessions.silent(DeadAfterMs)).toEqual([silent]);
  });
});
