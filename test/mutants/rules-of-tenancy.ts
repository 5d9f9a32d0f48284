import type { Rule } from './rules.ts'

/** What keeps tenants, shapes and formats apart. */
export const rulesOfTenancy: readonly Rule[] = [
  {
    section: 'tenancy',
    says: 'A scope reads its tenant’s keys, and families it was told of.',
    mutants: ['a scope lets every key be read that names no tenant'],
  },
  {
    section: 'tenancy',
    says: 'A scope invalidates its tenant’s keys alone; a write in it is its tenant’s.',
    mutants: [
      'a scope invalidates any key',
      'a scope invalidates a table for everybody',
      'rows of another tenant pass',
      'rows that may be another tenant’s pass',
      'a view of another tenant is turned into the scope’s',
      'a refusal is left to the unit',
      'the map of another process refuses',
      'what a view told narrows what a transaction wrote',
    ],
  },
  {
    section: 'tenancy',
    says: 'A scope is not left from inside, nor by closing the cache.',
    mutants: ['a scope is left from inside', 'a closed cache forgets its scopes'],
  },
  {
    section: 'tenancy',
    says: 'A noisy tenant displaces its own entries.',
    mutants: ['a tenant over its quota takes from others'],
  },
  {
    section: 'codecs',
    says: 'A ciphertext is read in its own place alone; a value of another codec or version is a miss.',
    mutants: [
      'a ciphertext is read in another key’s place',
      'a value of another codec is decoded',
      'a value of another version of its shape is read',
    ],
  },
]
