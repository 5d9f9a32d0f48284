import { describe, expect, test } from 'vitest'
import { readMysql } from '../../src/databases/mysql/statement.ts'

test.each([
  ['INSERT INTO items VALUES (1)', 'items'],
  ['insert ignore items set id = 1', 'items'],
  ['REPLACE INTO `my items` (id) VALUES (1)', 'my items'],
  ['/* who */ UPDATE LOW_PRIORITY shop.items SET a = 1', 'shop.items'],
  ['-- why\n# and how\nDELETE FROM `shop` . `a``b` WHERE id = 1', 'shop.a`b'],
])('%s writes its table', (sql, table) => {
  expect(readMysql(sql)).toEqual({ kind: 'write', table })
})

test.each([
  'SELECT * FROM items WHERE id IN (1, 2) FOR UPDATE',
  'select count(*), coalesce(max(a), 0) from `items`',
  'SHOW TABLES',
  ' EXPLAIN SELECT 1;',
])('%s reads', (sql) => {
  expect(readMysql(sql).kind).toBe('read')
})

test.each([
  'SELECT my_function(1)',
  'SELECT `count`(1)',
  'SELECT 1; DELETE FROM items',
  "INSERT INTO items VALUES (1); INSERT INTO audit VALUES ('x')",
  'SELECT 1 INTO @a',
  'SELECT 1 /*! , write_it() */',
  'ANALYZE_IT()',
  'CALL anything()',
  'WITH a AS (SELECT 1) DELETE FROM items',
  'LOAD DATA INFILE "x" INTO TABLE items',
  '',
])('%s may do anything', (sql) => {
  expect(readMysql(sql).kind).toBe('opaque')
})

describe('what begins, ends or commits a transaction', () => {
  test.each([
    ['BEGIN', 'BEGIN'],
    ['start transaction', 'START TRANSACTION'],
    ['ROLLBACK', 'ROLLBACK'],
    ['/* */ COMMIT', 'COMMIT'],
    ['SET autocommit = 0', 'SET AUTOCOMMIT'],
    ['SET @@session.autocommit = 0', 'SET @@SESSION.AUTOCOMMIT'],
    ['CREATE TABLE a (b int)', 'CREATE'],
    ['TRUNCATE items', 'TRUNCATE'],
    ['LOCK TABLES items WRITE', 'LOCK TABLES'],
  ])('%s', (sql, word) => {
    expect(readMysql(sql)).toEqual({ kind: 'control', word })
  })

  test.each(['ROLLBACK TO SAVEPOINT a', 'CREATE TEMPORARY TABLE a (b int)', 'SET NAMES utf8mb4'])(
    'not %s',
    (sql) => {
      expect(readMysql(sql).kind).not.toBe('control')
    },
  )
})
