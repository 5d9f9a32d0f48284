import type { FuzzTarget } from './target.ts'
import { acknowledgements, messages } from './targets/bus.ts'
import { codecs } from './targets/codecs.ts'
import { encodings, keys } from './targets/keys.ts'
import { skeletons } from './targets/maps.ts'
import { options } from './targets/options.ts'
import { adhocPatterns, patterns } from './targets/patterns.ts'
import { frames, replication } from './targets/replication.ts'
import { replies } from './targets/replies.ts'
import { statements } from './targets/statements.ts'
import { bareEntries, entries, payloads } from './targets/stored.ts'
import { tokens } from './targets/tokens.ts'

/** Everything that parses what comes from outside. */
export const targets: readonly FuzzTarget[] = [
  entries,
  bareEntries,
  payloads,
  ...codecs,
  messages,
  acknowledgements,
  replies,
  replication,
  frames,
  skeletons,
  tokens,
  patterns,
  adhocPatterns,
  keys,
  encodings,
  options,
  statements,
]
