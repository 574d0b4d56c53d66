/**
 * The desk of MCP tools. At the first contact with a server its tools are taken as they are, because the agent's author
 * named that server; from then on a tool that is new or was changed is held until somebody has read and approved exactly
 * that definition.
 */
import { createHash } from 'node:crypto';
import { RpcTarget } from 'cloudflare:workers';
import { toIso } from '../../shared/core/clock.ts';
import { err, ok, type Result } from '../../shared/core/result.ts';
import type { AuditActor } from '../../shared/contracts/audit.ts';
import { toList, type List } from '../../shared/contracts/common.ts';
import type { McpToolObject, McpToolsQuery, OfferedTool } from '../../shared/contracts/mcp-tools.ts';
import type { AuditTrail } from './audit-trail.ts';
import type { ToolPin, ToolPinStore } from './tool-pin-store.ts';

const system: AuditActor = { kind: 'system', id: 'system' };
const MaxPinsPerServer = 500;

export class ToolPinDesk extends RpcTarget {
  readonly #store: ToolPinStore;
  readonly #trail: AuditTrail;
  readonly #now: () => number;

  constructor(store: ToolPinStore, trail: AuditTrail, now: () => number) {
    super();
    this.#store = store;
    this.#trail = trail;
    this.#now = now;
  }

  /** The names that may not be used now. */
  judge(server: string, offered: readonly OfferedTool[]): string[] {
    const known = this.#store.ofServer(server);
    const isFirst = known.length === 0;
    const byName = new Map(known.map((pin) => [pin.name, pin]));
    const held: string[] = [];
    let room = MaxPinsPerServer - known.length;
    for (const tool of offered) {
      const before = byName.get(tool.name);
      if (!before && room-- <= 0) {
        held.push(tool.name);
        continue;
      }
      const pin = this.#nextPin(server, tool, before, isFirst);
      if (pin !== before) this.#put(pin);
      if (pin.status === 'held') held.push(tool.name);
    }
    return held;
  }

  list(query: McpToolsQuery): List<McpToolObject> {
    const pins = this.#store.list(query.status ?? null, query.limit + 1, query.cursor);
    return toList(pins.map(toObject), query.limit, (tool) => tool.id);
  }

  /** Approves what was read, by its hash: what the server has changed since is not approved along. */
  approve(id: string, hash: string, actor: AuditActor): Result<McpToolObject> {
    return this.#trail.change(
      actor,
      'mcp_tool.approved',
      () => {
        const pin = this.#store.find(id);
        if (!pin) return err('not_found', 'There is no such tool.');
        if (pin.offeredHash !== hash)
          return err('conflict', 'The server offers another definition by now. Read it, and approve that.', {
            param: 'hash',
          });
        const approved: ToolPin = {
          ...pin,
          pinnedHash: pin.offeredHash,
          pinnedDefinition: pin.offeredDefinition,
          status: 'approved',
          updatedAt: this.#now(),
        };
        this.#store.put(approved);
        return ok(toObject(approved));
      },
      (tool) => ({ target: tool.id, details: { server: tool.server, name: tool.name, hash } }),
    );
  }

  #nextPin(server: string, tool: OfferedTool, before: ToolPin | undefined, isFirst: boolean): ToolPin {
    const now = this.#now();
    if (!before) {
      return {
        id: pinId(server, tool.name),
        server,
        name: tool.name,
        pinnedHash: isFirst ? tool.hash : null,
        pinnedDefinition: isFirst ? tool.definition : null,
        offeredHash: tool.hash,
        offeredDefinition: tool.definition,
        status: isFirst ? 'approved' : 'held',
        createdAt: now,
        updatedAt: now,
      };
    }
    if (before.offeredHash === tool.hash) return before;
    return {
      ...before,
      offeredHash: tool.hash,
      offeredDefinition: tool.definition,
      status: before.pinnedHash === tool.hash ? 'approved' : 'held',
      updatedAt: now,
    };
  }

  #put(pin: ToolPin): void {
    this.#store.put(pin);
    if (pin.status === 'held')
      this.#trail.enter(system, 'mcp_tool.held', {
        target: pin.id,
        details: { server: pin.server, name: pin.name, hash: pin.offeredHash },
      });
  }
}

function pinId(server: string, name: string): string {
  return `mcpt_${createHash('sha256').update(`${server}\n${name}`).digest('hex').slice(0, 32)}`;
}

function toObject(pin: ToolPin): McpToolObject {
  return {
    object: 'mcp_tool',
    id: pin.id,
    server: pin.server,
    name: pin.name,
    status: pin.status,
    approved:
      pin.pinnedDefinition === null
        ? null
        : { hash: pin.pinnedHash ?? '', definition: JSON.parse(pin.pinnedDefinition) as unknown },
    offered: { hash: pin.offeredHash, definition: JSON.parse(pin.offeredDefinition) as unknown },
    created_at: toIso(pin.createdAt),
    updated_at: toIso(pin.updatedAt),
  };
}
