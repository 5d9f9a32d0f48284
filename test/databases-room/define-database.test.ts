import { createCache, defineDependencies, isCacheError, type Receipt } from 'coherent-cache'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { defineDatabase } from '../../src/databases/define-database.ts'

/** A client that writes down what it does, and fails where it is told to. */
class ScriptedClient {
  readonly log: string[] = []
  failing: Record<string, Error[]> = {}

  async step(name: string): Promise<void> {
    this.log.push(name)
    await Promise.resolve()
    const error = this.failing[name]?.shift()
    if (error !== undefined) throw error
  }

  async inTransaction<T>(body: (tx: ScriptedClient) => Promise<T>): Promise<T> {
    await this.step('BEGIN')
    try {
      const value = await body(this)
      await this.step('COMMIT')
      return value
    } catch (error) {
      this.log.push('ROLLBACK')
      throw error
    }
  }

  async nested<T>(body: (tx: ScriptedClient) => Promise<T>, name: string): Promise<T> {
    await this.step(`SAVEPOINT ${name}`)
    try {
      const value = await body(this)
      await this.step(`RELEASE ${name}`)
      return value
    } catch (error) {
      this.log.push(`BACK TO ${name}`)
      throw error
    }
  }
}

const again = Object.assign(new Error('try again'), { again: true })

const bindScripted = defineDatabase({
  name: 'scripted',
  notices: true,
  run: <T>(client: ScriptedClient, body: (tx: ScriptedClient) => Promise<T>) => client.inTransaction(body),
  savepoint: <T>(tx: ScriptedClient, body: (tx: ScriptedClient) => Promise<T>, name: string) =>
    tx.nested(body, name),
  seal: (tx, work) => tx.step(`seal${work.notes.map((note) => ` ${note}`).join('')}`),
  confirm: (tx) => tx.step('confirm'),
  retryable: (error) => error === again,
  inside: (tx, work) => ({
    async read() {
      work.issue('read')
      await tx.step('read')
    },
    async change(text: string) {
      work.issue('write')
      work.note(text)
      await tx.step(text)
    },
  }),
  outside: (client: ScriptedClient, { current, transaction }) => ({
    async change(text: string) {
      await (current()?.change(text) ?? transaction((tx) => tx.change(text)))
    },
    client,
  }),
})

/** A promise that is resolved by hand. */
function opening() {
  let open: () => void = () => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { opened, open }
}

const open: { close(): Promise<unknown> }[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((cache) => cache.close()))
})

function setUp() {
  const cache = createCache({
    name: `define-database-${Math.random()}`,
    dependencies: defineDependencies({
      tables: {
        payments: { invalidates: ['payment:{landlordId}:*'] },
        bound: {
          invalidates: ['bound:{id}'],
          bind: async (_row, tx) => {
            await tx.read()
            return { id: 1 }
          },
        },
        meddling: {
          invalidates: ['meddling:{id}'],
          bind: async (_row, tx) => {
            await tx.change('late')
            return { id: 1 }
          },
        },
      },
    }),
  })
  open.push(cache)
  const client = new ScriptedClient()
  const db = bindScripted(client, cache)
  const invalidated: (readonly string[])[] = []
  cache.on('invalidated', ({ receipt }) => invalidated.push(receipt.stamps))
  return { cache, client, db, invalidated, log: client.log }
}

describe('a transaction', () => {
  test('seals_commits_thenInvalidates', async () => {
    const { db, log, invalidated, cache } = setUp()
    cache.on('invalidated', () => log.push('invalidated'))
    const receipts: Receipt[] = []
    const value = await db.transaction(async (tx) => {
      await tx.change('insert')
      tx.write('payments', { operation: 'insert', rows: [{ landlord_id: 3 }] })
      tx.onCommitted((receipt) => {
        log.push('told')
        receipts.push(receipt)
      })
      return 7
    })
    expect(value).toBe(7)
    expect(log).toEqual(['BEGIN', 'insert', 'seal insert', 'COMMIT', 'invalidated', 'told'])
    expect(invalidated).toEqual([['payment:{landlordId}:*|3']])
    expect(receipts).toMatchObject([{ status: 'applied', stamps: ['payment:{landlordId}:*|3'] }])
  })

  test('withoutWrites_isNotSealed', async () => {
    const { db, log, invalidated } = setUp()
    let told = 0
    await db.transaction(async (tx) => {
      await tx.read()
      expect(tx.unit.untouched).toBe(true)
      tx.onCommitted(() => told++)
    })
    expect(log).toEqual(['BEGIN', 'read', 'COMMIT'])
    expect([invalidated, told]).toEqual([[], 1])
  })

  test('countsAsWriting_beforeTheStatementIsSent', async () => {
    const { db, client } = setUp()
    const seen: boolean[] = []
    await db.transaction(async (tx) => {
      const step = vi.spyOn(client, 'step').mockImplementationOnce(async () => {
        seen.push(tx.unit.untouched)
      })
      await tx.change('insert')
      step.mockRestore()
    })
    expect(seen).toEqual([false])
  })

  test.each(['BEGIN', 'insert', 'seal insert'])(
    'that fails at %s invalidates nothing, and rethrows',
    async (step) => {
      const { db, client, invalidated, cache } = setUp()
      const error = new Error(step)
      client.failing[step] = [error]
      const units = vi.spyOn(cache, 'unitOfWork')
      let told = 0
      const failed = db.transaction(async (tx) => {
        tx.onCommitted(() => told++)
        tx.write('payments')
        await tx.change('insert')
      })
      await expect(failed).rejects.toBe(error)
      expect(invalidated).toEqual([])
      expect(told).toBe(0)
      for (const { value } of units.mock.results) expect(value.state).toBe('rolledBack')
    },
  )

  test('thatThrows_invalidatesNothing', async () => {
    const { db, log, invalidated } = setUp()
    const error = new Error('no')
    await expect(
      db.transaction((tx) => {
        tx.write('payments')
        throw error
      }),
    ).rejects.toBe(error)
    expect([log, invalidated]).toEqual([['BEGIN', 'ROLLBACK'], []])
  })

  test('whoseCommitFails_invalidates_tellsNobody_andRethrows', async () => {
    const { db, client, invalidated } = setUp()
    const error = new Error('connection lost')
    client.failing.COMMIT = [error]
    let told = 0
    const failed = db.transaction(async (tx) => {
      tx.write('payments')
      tx.onCommitted(() => told++)
    })
    await expect(failed).rejects.toBe(error)
    expect([invalidated, told]).toEqual([[['payment:{landlordId}:*']], 0])
  })

  test('whosePreparingFails_isARollback', async () => {
    const { db, cache, invalidated, log } = setUp()
    const make = cache.unitOfWork.bind(cache)
    const error = new Error('no locks')
    vi.spyOn(cache, 'unitOfWork').mockImplementation((options) => {
      const unit = make(options)
      vi.spyOn(unit, 'prepare').mockRejectedValue(error)
      return unit
    })
    await expect(db.transaction((tx) => tx.write('payments'))).rejects.toBe(error)
    expect([log, invalidated]).toEqual([['BEGIN', 'seal', 'ROLLBACK'], []])
  })

  test('runsAgain_withAFreshUnit_asOftenAsAsked', async () => {
    const { db, client, invalidated } = setUp()
    client.failing.insert = [again]
    client.failing.COMMIT = [again]
    const units = new Set<unknown>()
    let tries = 0
    await db.transaction(
      async (tx) => {
        units.add(tx.unit)
        tx.write('payments', { operation: 'insert', rows: [{ landlord_id: ++tries }] })
        await tx.change('insert')
      },
      { retries: 2 },
    )
    // The second one's COMMIT may have arrived, for all that is known.
    expect(invalidated).toEqual([['payment:{landlordId}:*|2'], ['payment:{landlordId}:*|3']])
    expect([units.size, tries]).toEqual([3, 3])

    client.failing.insert = [again, again]
    await expect(db.transaction((tx) => tx.change('insert'), { retries: 1 })).rejects.toBe(again)
    client.failing.insert = [new Error('other')]
    await expect(db.transaction((tx) => tx.change('insert'), { retries: 5 })).rejects.toThrow('other')
  })

  test('ofAClientThatRunsTheBodyAgain_hasAUnitForEachRun', async () => {
    const { cache, invalidated } = setUp()
    const bindTwice = defineDatabase({
      name: 'twice',
      run: async <T>(_client: object, body: (tx: object) => Promise<T>) => {
        await body({})
        return await body({})
      },
      seal: async () => {},
      inside: () => ({}),
    })
    let run = 0
    await bindTwice({}, cache).transaction((tx) => {
      tx.write('payments', { operation: 'insert', rows: [{ landlord_id: ++run }] })
    })
    expect(invalidated).toEqual([['payment:{landlordId}:*|1'], ['payment:{landlordId}:*|2']])
  })

  test('letsBindFunctionsRead_andMakesSureOfTheTransaction', async () => {
    const { db, log, invalidated } = setUp()
    await db.transaction((tx) => tx.write('bound', { operation: 'insert', rows: [{ a: 1 }] }))
    expect(log).toEqual(['BEGIN', 'seal', 'read', 'confirm', 'COMMIT'])
    expect(invalidated).toEqual([['bound:{id}|1']])
  })

  test('refusesWrites_ofBindFunctions', async () => {
    const { db, log, invalidated, cache } = setUp()
    const errors: unknown[] = []
    cache.on('bindError', ({ error }) => errors.push(error))
    await db.transaction((tx) => tx.write('meddling', { operation: 'insert', rows: [{ a: 1 }] }))
    expect(log).not.toContain('late')
    expect(errors.map((error) => isCacheError(error, 'UNIT_CLOSED'))).toEqual([true])
    expect(invalidated).toEqual([['meddling:{id}']])
  })

  test('refusesUnknownOptions', async () => {
    const { db, log } = setUp()
    await expect(db.transaction(() => 1, { retrys: 1 } as object)).rejects.toMatchObject({
      code: 'INVALID_OPTION',
    })
    await expect(db.transaction(() => 1, { retries: -1 })).rejects.toMatchObject({ code: 'INVALID_OPTION' })
    await expect(db.transaction(() => 1, { isolation: 'snapshot' as never })).rejects.toMatchObject({
      code: 'INVALID_OPTION',
    })
    expect(log).toEqual([])
  })
})

describe('a handle', () => {
  test('isClosed_afterTheEnd', async () => {
    const { db } = setUp()
    const kept = await db.transaction((tx) => tx)
    await expect(kept.change('late')).rejects.toMatchObject({ code: 'UNIT_CLOSED' })
    await expect(kept.transaction(() => 1)).rejects.toMatchObject({ code: 'UNIT_CLOSED' })
    await expect(kept.rollback()).rejects.toMatchObject({ code: 'UNIT_CLOSED' })
    for (const late of [
      () => kept.write('payments'),
      () => kept.invalidate({ keys: ['a'] }),
      () => kept.onCommitted(() => {}),
    ]) {
      expect(late).toThrow(expect.objectContaining({ code: 'UNIT_CLOSED' }))
    }
  })

  test('isClosed_whileTheTransactionIsSealed', async () => {
    const { db, client } = setUp()
    let late: Promise<unknown> | undefined
    await db.transaction(async (tx) => {
      const step = client.step.bind(client)
      vi.spyOn(client, 'step').mockImplementation((name) => {
        if (name.startsWith('seal')) late = tx.change('late').catch((error: unknown) => error)
        return step(name)
      })
      await tx.change('insert')
    })
    expect(await late).toMatchObject({ code: 'UNIT_CLOSED' })
  })

  test('rollsBack_withoutAnError', async () => {
    const { db, log, invalidated } = setUp()
    const value = await db.transaction(async (tx) => {
      tx.write('payments')
      await tx.rollback()
      await expect(tx.change('late')).rejects.toMatchObject({ code: 'UNIT_CLOSED' })
      await expect(db.change('late')).rejects.toMatchObject({ code: 'UNIT_CLOSED' })
      return 'value'
    })
    expect([value, log, invalidated]).toEqual(['value', ['BEGIN', 'ROLLBACK'], []])
  })

  test('takesOnlyFunctions_asListeners', async () => {
    const { db } = setUp()
    await expect(db.transaction((tx) => tx.onCommitted('no' as never))).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    })
  })
})

describe('a savepoint', () => {
  test('thatIsKept_isPartOfTheTransaction', async () => {
    const { db, log, invalidated } = setUp()
    const told: string[] = []
    await db.transaction(async (tx) => {
      tx.onCommitted(() => told.push('outer'))
      const value = await tx.transaction(async (nested) => {
        nested.write('payments', { operation: 'insert', rows: [{ landlord_id: 1 }] })
        await nested.change('insert')
        nested.onCommitted(() => told.push('inner'))
        return 5
      })
      expect(value).toBe(5)
    })
    expect(log).toEqual([
      'BEGIN',
      'SAVEPOINT coherent_cache_1',
      'insert',
      'RELEASE coherent_cache_1',
      'seal insert',
      'COMMIT',
    ])
    expect([invalidated, told]).toEqual([[['payment:{landlordId}:*|1']], ['outer', 'inner']])
  })

  test('thatFails_isDroppedAlone', async () => {
    const { db, log, invalidated } = setUp()
    const told: string[] = []
    await db.transaction(async (tx) => {
      await tx.change('before')
      const failed = tx.transaction(async (nested) => {
        nested.write('payments', { operation: 'insert', rows: [{ landlord_id: 1 }] })
        nested.onCommitted(() => told.push('inner'))
        await nested.change('inside')
        throw new Error('no')
      })
      await expect(failed).rejects.toThrow('no')
      tx.write('payments', { operation: 'insert', rows: [{ landlord_id: 2 }] })
      await tx.change('after')
    })
    expect(log.at(-2)).toBe('seal before after')
    expect([invalidated, told]).toEqual([[['payment:{landlordId}:*|2']], []])
  })

  test('thatAsksForIt_isRolledBack_withoutAnError', async () => {
    const { db, log, invalidated } = setUp()
    const value = await db.transaction((tx) =>
      tx.transaction(async (nested) => {
        nested.write('payments')
        await nested.rollback()
        return 'value'
      }),
    )
    expect([value, invalidated]).toEqual(['value', []])
    expect(log).toContain('BACK TO coherent_cache_1')
  })

  test('thatCannotBeReleased_fails_andKeepsItsWrites', async () => {
    const { db, client, invalidated } = setUp()
    client.failing['RELEASE coherent_cache_1'] = [new Error('aborted')]
    await db.transaction(async (tx) => {
      await expect(tx.transaction((nested) => nested.write('payments'))).rejects.toThrow('aborted')
    })
    expect(invalidated).toEqual([['payment:{landlordId}:*']])
  })

  test('isTaken_byTheBoundDatabaseInside', async () => {
    const { db, log } = setUp()
    await db.transaction(async (tx) => {
      await db.change('one')
      await db.transaction(async (inner) => {
        expect(inner.unit).toBe(tx.unit)
        await db.change('two')
        await tx.transaction((innermost) => innermost.change('three'))
      })
      await expect(db.transaction(() => 1, { isolation: 'serializable' })).rejects.toMatchObject({
        code: 'INVALID_OPTION',
      })
    })
    expect(log).toEqual([
      'BEGIN',
      'one',
      'SAVEPOINT coherent_cache_1',
      'two',
      'SAVEPOINT coherent_cache_2',
      'three',
      'RELEASE coherent_cache_2',
      'RELEASE coherent_cache_1',
      'seal one two three',
      'COMMIT',
    ])
  })

  test('waits_forTheOneBeside', async () => {
    const { db, log } = setUp()
    await db.transaction(async (tx) => {
      await Promise.all([1, 2].map((at) => tx.transaction((nested) => nested.change(`${at}`))))
    })
    expect(log.slice(1, -2)).toEqual([
      'SAVEPOINT coherent_cache_1',
      '1',
      'RELEASE coherent_cache_1',
      'SAVEPOINT coherent_cache_2',
      '2',
      'RELEASE coherent_cache_2',
    ])
  })

  test('thatNobodyAwaits_endsBeforeTheTransaction', async () => {
    const { db, log } = setUp()
    let left: Promise<unknown> | undefined
    const failed = db.transaction(async (tx) => {
      left = tx
        .transaction(async (nested) => {
          await nested.change('one')
          await nested.change('two')
        })
        .catch((error: unknown) => error)
      await tx.read()
      throw new Error('no')
    })
    await expect(failed).rejects.toThrow('no')
    expect(await left).toMatchObject({ code: 'UNIT_CLOSED' })
    expect(log.at(-1)).toBe('ROLLBACK')
    expect(log.at(-2)).toBe('BACK TO coherent_cache_1')
  })

  test('isRefused_whereTheClientHasNone', async () => {
    const { cache } = setUp()
    const bindFlat = defineDatabase({
      name: 'flat',
      run: <T>(_client: object, body: (tx: object) => Promise<T>) => body({}),
      seal: async () => {},
      inside: () => ({}),
    })
    const db = bindFlat({}, cache)
    await expect(db.transaction((tx) => tx.transaction(() => 1))).rejects.toMatchObject({
      code: 'UNSUPPORTED',
    })
  })
})

describe('what runs on in the context of a transaction', () => {
  test('thatWasRolledBack_isRefused', async () => {
    const { db, log } = setUp()
    let late: Promise<unknown> | undefined
    const gate = opening()
    const failed = db.transaction(async () => {
      late = gate.opened.then(() => db.change('late'))
      throw new Error('no')
    })
    await expect(failed).rejects.toThrow('no')
    gate.open()
    await expect(late).rejects.toMatchObject({ code: 'UNIT_CLOSED' })
    expect(log).not.toContain('late')
  })

  test('thatCouldNotBeSealed_isRefused', async () => {
    const { db, client, log } = setUp()
    client.failing['seal insert'] = [new Error('aborted')]
    let late: Promise<unknown> | undefined
    const gate = opening()
    const failed = db.transaction(async (tx) => {
      late = gate.opened.then(() => db.change('late'))
      await tx.change('insert')
    })
    await expect(failed).rejects.toThrow('aborted')
    gate.open()
    await expect(late).rejects.toMatchObject({ code: 'UNIT_CLOSED' })
    expect(log).not.toContain('late')
  })

  test('thatCommitted_isOnItsOwn', async () => {
    const { db, log } = setUp()
    let late: Promise<unknown> | undefined
    const gate = opening()
    await db.transaction(() => {
      late = gate.opened.then(() => db.change('late'))
    })
    gate.open()
    await late
    expect(log).toEqual(['BEGIN', 'COMMIT', 'BEGIN', 'late', 'seal late', 'COMMIT'])
  })
})

test('what the cache loads for others too is outside the transaction that asked for it', async () => {
  const { db, cache, log } = setUp()
  await db.transaction(async (tx) => {
    await tx.read()
    const outside = vi.spyOn(cache, 'currentUnit').mockReturnValue(undefined)
    await db.change('own')
    outside.mockRestore()
  })
  expect(log).toEqual(['BEGIN', 'read', 'BEGIN', 'own', 'seal own', 'COMMIT', 'COMMIT'])
})

describe('two databases of one cache', () => {
  test('keepTheirTransactionsApart', async () => {
    const { cache, db, log } = setUp()
    const other = bindScripted(new ScriptedClient(), cache)
    await db.transaction(async (tx) => {
      await tx.change('one')
      await other.transaction(async (inner) => {
        expect(inner.unit).not.toBe(tx.unit)
        expect(inner.unit.untouched).toBe(false)
        await db.change('two')
        await other.change('three')
      })
    })
    expect(log).toEqual(['BEGIN', 'one', 'two', 'seal one two', 'COMMIT'])
    expect(other.client.log).toEqual(['BEGIN', 'three', 'seal three', 'COMMIT'])
  })
})

test('bind_refusesWhatIsNoCache_andUnknownOptions', () => {
  const { cache } = setUp()
  expect(() => bindScripted(new ScriptedClient(), {} as never)).toThrow(
    expect.objectContaining({ code: 'INVALID_ARGUMENT' }),
  )
  expect(() => bindScripted(new ScriptedClient(), cache, { other: 1 } as never)).toThrow(
    expect.objectContaining({ code: 'INVALID_OPTION' }),
  )
})

describe('a client that writes late, or commits a part before', () => {
  const bindLate = defineDatabase({
    name: 'late',
    run: <T>(client: ScriptedClient, body: (tx: ScriptedClient) => Promise<T>) => client.inTransaction(body),
    savepoint: <T>(tx: ScriptedClient, body: (tx: ScriptedClient) => Promise<T>, name: string) =>
      tx.nested(body, name),
    finish: (tx) => tx.step('flush'),
    seal: (tx) => tx.step('seal'),
    inside: (_tx, work) => ({
      commitsHere: () => work.unsure(),
    }),
  })
  const bound = () => {
    const { cache } = setUp()
    const told: string[] = []
    cache.on('invalidated', ({ receipt }) => told.push(...receipt.stamps))
    const client = new ScriptedClient()
    return { client, told, db: bindLate(client, cache) }
  }

  test('isFinishedAtTheEndOfEachBody_beforeTheSeal_andNotWhereItIsRolledBack', async () => {
    const { client, db } = bound()
    await db.transaction((tx) => tx.transaction(() => {}))
    await db.transaction((tx) => tx.rollback())
    await expect(db.transaction(() => Promise.reject(new Error('no')))).rejects.toThrow('no')
    const kept = [
      'SAVEPOINT coherent_cache_1',
      'flush',
      'RELEASE coherent_cache_1',
      'flush',
      'seal',
      'COMMIT',
    ]
    expect(client.log).toEqual(['BEGIN', ...kept, 'BEGIN', 'ROLLBACK', 'BEGIN', 'ROLLBACK'])
  })

  test('isInvalidated_whatBecomesOfTheRest_itsSavepointsToo', async () => {
    const { db, told } = bound()
    const failed = db.transaction(async (tx) => {
      const nested = tx.transaction(async (inner) => {
        inner.write('payments')
        inner.commitsHere()
        throw new Error('nested')
      })
      await nested.catch(() => undefined)
      throw new Error('all')
    })
    await expect(failed).rejects.toThrow('all')
    expect(told).toEqual(['payment:{landlordId}:*'])
  })
})

describe('a client that is bound twice', () => {
  test('toTheSameCache_refused_andTheFirstGoesOn', async () => {
    const { cache, client, db, invalidated } = setUp()
    expect(() => bindScripted(client, cache)).toThrow(
      /bind scripted: .* bound to this cache already, by scripted/,
    )
    expect(
      isCacheError(
        thrownBy(() => bindScripted(client, cache)),
        'INVALID_ARGUMENT',
      ),
    ).toBe(true)
    await db.transaction((tx) => tx.write('payments'))
    expect(invalidated).toEqual([['payment:{landlordId}:*']])
    expect(bindScripted(new ScriptedClient(), cache).name).toBe('scripted')
  })

  test('byAnotherAdapter_refused_namingTheFirst', () => {
    const { cache, client } = setUp()
    const bindOther = defineDatabase({
      name: 'other',
      run: (client: ScriptedClient, body: (tx: ScriptedClient) => Promise<never>) =>
        client.inTransaction(body),
      seal: (tx) => tx.step('seal'),
      inside: () => ({}),
    })
    expect(() => bindOther(client, cache)).toThrow(/bind other: .* by scripted/)
  })

  test('afterABindingThatFailed_isBound', () => {
    const { cache } = setUp()
    let broken = true
    const bindBroken = defineDatabase({
      name: 'broken',
      open() {
        if (broken) throw new Error('no such server')
      },
      run: (client: ScriptedClient, body: (tx: ScriptedClient) => Promise<never>) =>
        client.inTransaction(body),
      seal: (tx) => tx.step('seal'),
      inside: () => ({}),
    })
    const client = new ScriptedClient()
    expect(() => bindBroken(client, cache)).toThrow('no such server')
    broken = false
    expect(bindBroken(client, cache).name).toBe('broken')
    expect(() => bindBroken(client, cache)).toThrow(/bound to this cache already/)
  })

  test('toAnObjectThatStandsInForACache_isLeftAlone', () => {
    const { cache, client } = setUp()
    const stand = { unitOfWork: () => cache.unitOfWork(), currentUnit: () => cache.currentUnit() }
    bindScripted(client, stand)
    expect(bindScripted(client, stand).name).toBe('scripted')
  })
})

function thrownBy(body: () => unknown): unknown {
  try {
    body()
  } catch (error) {
    return error
  }
  return undefined
}
