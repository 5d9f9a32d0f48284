import type { TcpProxy } from '../support/tcp-proxy.ts'
import type { Fault, Scene } from './scene.ts'

/** The network between some processes and Redis: slow, dead in one direction or both, cut after a request. */
export const network: Fault = {
  name: 'proxy',
  on: 'standalone',
  async strike(scene) {
    const { dice } = scene
    const members = scene.fleet.free().filter(({ proxy }) => proxy !== undefined)
    if (members.length === 0) return
    const hit = [dice.of(members), ...(dice.chance(0.3) ? [dice.of(members)] : [])]
    const struck = [...new Set(hit)]
    const trouble = dice.of(TROUBLES)
    const what = `${trouble.what}, processes ${struck.map(({ process }) => process).join(' and ')}`
    const strike = async () => {
      await Promise.all(struck.map(({ proxy }) => proxy && trouble.make(proxy, scene)))
    }
    await scene.during('proxy', what, strike, struck)
  },
}

interface Trouble {
  readonly what: string
  make(proxy: TcpProxy, scene: Scene): Promise<void>
}

const hold = (what: string, direction?: 'toServer' | 'toClient'): Trouble => ({
  what,
  async make(proxy, scene) {
    proxy.hold(direction)
    await scene.pause(50, 4_000)
    if (scene.dice.chance(0.6)) proxy.release()
    else {
      proxy.cut()
      proxy.mend()
    }
  },
})

const TROUBLES: readonly Trouble[] = [
  hold('nothing is delivered'),
  hold('requests are not delivered', 'toServer'),
  hold('answers are not delivered', 'toClient'),
  {
    what: 'everything is late',
    async make(proxy, scene) {
      proxy.delay(2 + scene.dice.below(150))
      await scene.pause(300, 3_000)
      proxy.delay(0)
    },
  },
  {
    what: 'messages are not delivered',
    async make(proxy, scene) {
      proxy.holdMessages()
      await scene.pause(100, 3_000)
      proxy.release()
    },
  },
  {
    what: 'connections break',
    async make(proxy, scene) {
      for (let times = 1 + scene.dice.count(3); times > 0; times--) {
        proxy.drop()
        await scene.pause(1, 300)
      }
    },
  },
  {
    what: 'connections break once a request was sent',
    async make(proxy, scene) {
      for (let times = 2 + scene.dice.count(6); times > 0; times--) {
        await Promise.race([proxy.cutAfterRequest('evalsha'), scene.pause(500, 500)])
        await scene.pause(1, 200)
      }
    },
  },
  {
    what: 'nobody is let in',
    async make(proxy, scene) {
      proxy.cut()
      await scene.pause(50, 2_000)
      proxy.mend()
    },
  },
]
