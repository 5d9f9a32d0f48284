import type { Notification } from './feed.ts'

/** Reads server-sent events as a browser does, and remembers the last one's id for when it connects again. */
export class Browser {
  lastEventId: string | null = null

  /** The next `count` notifications; then the connection is lost. */
  async listen(response: Response, count: number): Promise<Notification[]> {
    const heard: Notification[] = []
    let text = ''
    for await (const bytes of response.body ?? []) {
      text += new TextDecoder().decode(bytes as Uint8Array)
      const messages = text.split('\n\n')
      text = messages.pop() ?? ''
      for (const message of messages) {
        const [, id, data] = message.match(/^id: (\d+)\ndata: (.*)$/) ?? []
        if (id === undefined || data === undefined || heard.length === count) continue
        heard.push({ number: Number(id), ...JSON.parse(data) })
        this.lastEventId = id
      }
      if (heard.length >= count) break
    }
    return heard
  }
}
