/**
 * The switches that stop an agent, or all of a tenant's runs, at once: from the moment one is thrown no run begins, and
 * the turns that are under way are cancelled. Cancelling is a duty of the object's alarm, so that it is carried on
 * wherever it was interrupted; a turn that it misses is refused its next run.
 */
import type { AgentId, ConversationId } from '../../shared/core/ids.ts';
import { err, ok, type Result } from '../../shared/core/result.ts';
import type { Duty } from '../runtime/alarm-scheduler.ts';
import type { AgentStore } from './agent-store.ts';
import type { SettingStore } from './setting-store.ts';
import type { TurnRunStore } from './turn-run-store.ts';

/** Conversations that are told at once, and in one ring of the alarm. */
const AtOnce = 64;
const InOneRing = 1_024;

/** An alarm's time must be positive; this one has come. */
const LongDue = 1;

export class KillSwitch {
  readonly #settings: SettingStore;
  readonly #agents: AgentStore;
  readonly #turns: TurnRunStore;
  readonly #cancel: (conversation: ConversationId) => Promise<void>;

  constructor(
    settings: SettingStore,
    agents: AgentStore,
    turns: TurnRunStore,
    cancel: (conversation: ConversationId) => Promise<void>,
  ) {
    this.#settings = settings;
    this.#agents = agents;
    this.#turns = turns;
    this.#cancel = cancel;
  }

  get isTenantStopped(): boolean {
    return this.#settings.get('stopped') === 'yes';
  }

  /** Whether a run, or a task that will run, may begin now. All else stays open, so that a tenant can look and repair. */
  requireOn(agent: AgentId | null): Result<undefined> {
    if (this.isTenantStopped) return err('tenant_stopped');
    return agent !== null && this.#agents.isSuspended(agent) ? err('agent_suspended') : ok();
  }

  /** Inside the transaction that throws the switch. */
  stopTurns(agent: AgentId | null): void {
    this.#turns.markStopping(agent);
  }

  duty(): Duty {
    return {
      name: 'stop_turns',
      dueAt: () => (this.#turns.hasStopping() ? LongDue : undefined),
      run: () => this.#stopSome(),
    };
  }

  async #stopSome(): Promise<void> {
    for (let told = 0; told < InOneRing; told += AtOnce) {
      const conversations = this.#turns.stopping(AtOnce);
      if (conversations.length === 0) return;
      await Promise.all(
        conversations.map(async (conversation) => {
          await this.#cancel(conversation);
          this.#turns.remove(conversation);
        }),
      );
    }
  }
}
