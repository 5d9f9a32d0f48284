import type {
  LeadRecords,
  LeadReply,
  LeadRequest,
  Leads,
  RecordReply,
  RecordRequest,
} from '../../core/store.ts'
import { type Layout, partitionOf } from './layout.ts'
import { list, number, refuse } from './replies.ts'
import type { Servers } from './servers.ts'

/** Leadership on Redis: each title is one hash, so that every step is a script of one name. */
export class RedisLeads implements Leads {
  readonly #servers: Pick<Servers, 'run' | 'check'>
  readonly #layouts: readonly Layout[]

  constructor(servers: Pick<Servers, 'run' | 'check'>, layouts: readonly Layout[]) {
    this.#servers = servers
    this.#layouts = layouts
  }

  async lead({ title, holder, label, ttlMs }: LeadRequest): Promise<LeadReply> {
    const reply = await this.#run('ccLead', title, [holder, label, Math.ceil(ttlMs)])
    const [held, fence, revision, leader] = reply
    return {
      held: number(held) === 1,
      fence: number(fence),
      revision: number(revision),
      leader: utf8(leader),
    }
  }

  async records(title: string, known?: number): Promise<LeadRecords> {
    const [revision, leader, follow, records] = await this.#run('ccRecords', title, [known ?? ''])
    const texts = list(records).map(utf8)
    const entries = new Map<string, string>()
    for (let at = 0; at < texts.length; at += 2) entries.set(texts[at] ?? '', texts[at + 1] ?? '')
    return {
      revision: number(revision),
      leader: utf8(leader),
      entries: number(follow) === 1 ? entries : undefined,
    }
  }

  async record({ title, entries, term }: RecordRequest): Promise<RecordReply> {
    const args = [term?.holder ?? '', term?.fence ?? '', ...[...entries].flat()]
    const [written, revision] = await this.#run('ccRecord', title, args)
    return { written: number(written) === 1, revision: number(revision) }
  }

  async #run(script: string, title: string, args: readonly (string | number)[]): Promise<readonly unknown[]> {
    this.#servers.check()
    const layout = this.#layouts[partitionOf(title, this.#layouts.length)] as Layout
    return list(await this.#servers.run(script, [layout.lead(title)], args))
  }
}

function utf8(reply: unknown): string {
  return reply instanceof Uint8Array ? Buffer.from(reply).toString('utf8') : refuse()
}
