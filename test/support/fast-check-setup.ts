import fc from 'fast-check'

/** One seed for all properties, so that a run can be told apart from its machine; another one by FAST_CHECK_SEED. */
fc.configureGlobal({ seed: Number(process.env.FAST_CHECK_SEED ?? 20_261_120) })
