import type { Token } from './tokens.ts'

/** Keywords that cannot name a user's function unless they are quoted. A parenthesis after them is no call. */
const KEYWORDS = toIndex(`
  all and any array as asymmetric both case cast check collate column distinct do else end except exists for from
  group having in intersect into lateral leading limit not offset on only or order placing returning row select
  some symmetric then to trailing union using values variadic when where window with between coalesce greatest
  grouping least nullif treat bigint bit boolean char character dec decimal float int integer interval national nchar
  numeric precision real smallint time timestamp varchar
`)

/** Built-in functions, and types, that write no table. Any other call may write. */
const FUNCTIONS = toIndex(`
  timestamptz timetz varbit varying bpchar bool bytea date float4 float8 inet int2 int4 int8 json jsonb macaddr money
  oid regclass text uuid xml
  count sum avg min max array_agg string_agg json_agg jsonb_agg json_object_agg jsonb_object_agg bool_and bool_or
  every bit_and bit_or bit_xor stddev stddev_pop stddev_samp variance var_pop var_samp corr covar_pop covar_samp mode
  percentile_cont percentile_disc regr_avgx regr_avgy regr_count regr_intercept regr_r2 regr_slope any_value
  row_number rank dense_rank percent_rank cume_dist ntile lag lead first_value last_value nth_value
  abs acos acosd asin asind atan atan2 atand cbrt ceil ceiling cos cosd cot degrees div erf exp factorial floor gcd
  lcm ln log log10 mod pi power radians random round scale sign sin sind sinh sqrt tan tand tanh trim_scale trunc
  min_scale width_bucket setseed hashtext
  ascii bit_length btrim char_length character_length chr concat concat_ws convert_from convert_to decode encode
  format initcap left length lower lpad ltrim md5 normalize octet_length overlay parse_ident position quote_ident
  quote_literal quote_nullable regexp_count regexp_instr regexp_like regexp_match regexp_matches regexp_replace
  regexp_split_to_array regexp_split_to_table regexp_substr repeat replace reverse right rpad rtrim sha224 sha256
  sha384 sha512 split_part starts_with string_to_array string_to_table strpos substr substring to_ascii to_bin to_hex
  to_oct translate trim unistr upper
  age clock_timestamp date_add date_bin date_part date_subtract date_trunc extract isfinite justify_days
  justify_hours justify_interval localtime localtimestamp make_date make_interval make_time make_timestamp
  make_timestamptz now statement_timestamp timeofday timezone to_char to_date to_number to_timestamp
  transaction_timestamp
  array_append array_cat array_dims array_fill array_length array_lower array_ndims array_position array_positions
  array_prepend array_remove array_replace array_reverse array_sample array_shuffle array_sort array_to_json
  array_to_string array_upper cardinality generate_series generate_subscripts trim_array unnest
  json_array json_array_elements json_array_elements_text json_array_length json_build_array json_build_object
  json_each json_each_text json_extract_path json_extract_path_text json_object json_object_keys json_populate_record
  json_populate_recordset json_strip_nulls json_to_record json_to_recordset json_typeof jsonb_array_elements
  jsonb_array_elements_text jsonb_array_length jsonb_build_array jsonb_build_object jsonb_each jsonb_each_text
  jsonb_extract_path jsonb_extract_path_text jsonb_insert jsonb_object jsonb_object_keys jsonb_path_exists
  jsonb_path_match jsonb_path_query jsonb_path_query_array jsonb_path_query_first jsonb_populate_record
  jsonb_populate_recordset jsonb_pretty jsonb_set jsonb_set_lax jsonb_strip_nulls jsonb_to_record jsonb_to_recordset
  jsonb_typeof row_to_json to_json to_jsonb
  int4range int8range numrange daterange tsrange tstzrange isempty lower_inc upper_inc lower_inf upper_inf range_agg
  range_merge multirange
  to_tsquery plainto_tsquery phraseto_tsquery websearch_to_tsquery to_tsvector setweight ts_headline ts_rank ts_rank_cd
  tsvector_to_array
  gen_random_uuid uuidv4 uuidv7 uuid_extract_timestamp uuid_extract_version
  current_database current_schema current_schemas current_setting current_user session_user version txid_current
  txid_current_if_assigned pg_backend_pid pg_current_xact_id pg_current_xact_id_if_assigned pg_typeof
  pg_column_size pg_relation_size pg_table_size pg_total_relation_size pg_size_pretty pg_table_is_visible
  pg_get_serial_sequence to_regclass pg_sleep obj_description col_description has_table_privilege
  host family masklen broadcast network netmask abbrev
  nextval currval lastval
  pg_advisory_lock pg_advisory_lock_shared pg_advisory_unlock pg_advisory_unlock_shared pg_advisory_xact_lock
  pg_advisory_xact_lock_shared pg_try_advisory_lock pg_try_advisory_lock_shared pg_try_advisory_xact_lock
  pg_try_advisory_xact_lock_shared
`)

/** Keywords that may also name a user's function: what stands before them where they are keywords. */
const AFTER: Readonly<Record<string, readonly string[]>> = Object.freeze({
  over: [')'],
  filter: [')'],
  by: ['group', 'order', 'partition'],
  sets: ['grouping'],
  materialized: ['as', 'not'],
  zone: ['time'],
})

/** Keywords between two operands; called as functions they would begin an expression. */
const INFIX: readonly string[] = ['join', 'like', 'ilike', 'overlaps']

/** Words after which an expression begins, or a table. */
const OPENING = toIndex(`
  all and any array as asymmetric between both by case cast check collate column default distinct do else except
  fetch for from having ilike in intersect into is join lateral leading like limit not offset on only or order
  overlaps placing returning select set similar some symmetric then to trailing union using values variadic when
  where window with
`)

/** Whether every call in the tokens is of a built-in function that writes nothing. `known` places are no calls. */
export function callsAreHarmless(tokens: readonly Token[], known: readonly number[] = []): boolean {
  const places = new Set(known)
  for (let at = 1; at < tokens.length; at++) {
    if (isSymbol(tokens[at], '(') && !places.has(at) && !isHarmless(tokens, at - 1)) return false
  }
  return true
}

function isHarmless(tokens: readonly Token[], at: number): boolean {
  const token = tokens[at]
  if (token?.kind !== 'word' && token?.kind !== 'name') return true
  const { kind, value } = token
  const [before, earlier] = [tokens[at - 1], tokens[at - 2]]
  if (isSymbol(before, '.')) {
    return (
      earlier?.value === 'pg_catalog' && !isSymbol(tokens[at - 3], '.') && Object.hasOwn(FUNCTIONS, value)
    )
  }
  // A cast to a type with a modifier, and the columns of an alias: no expression stands there.
  if (isSymbol(before, ':') && isSymbol(earlier, ':')) return true
  if (isWord(before, 'as')) return true
  if (value === 'set_config') return isHarmlessSetting(tokens[at + 2]?.content)
  if (Object.hasOwn(FUNCTIONS, value)) return true
  if (kind === 'name') return false
  if (Object.hasOwn(KEYWORDS, value)) return true
  // WITH t (a, b) AS …
  if (isWord(before, 'with') || isWord(before, 'recursive')) return at <= 2
  if (INFIX.includes(value)) return endsOperand(isWord(before, 'not') ? earlier : before)
  return (
    before !== undefined &&
    before.kind !== 'name' &&
    Object.hasOwn(AFTER, value) &&
    AFTER[value]?.includes(before.value) === true
  )
}

/** Whether changing this setting leaves alone what names mean and what statements write. */
export function isHarmlessSetting(name: string | undefined): boolean {
  if (name === undefined) return false
  return (
    /^[a-z_]\w*\.\w+$/i.test(name) ||
    /^(?:statement_timeout|lock_timeout|idle_in_transaction_session_timeout|transaction_timeout|timezone|application_name|work_mem|jit|enable_\w+)$/i.test(
      name,
    )
  )
}

export function isSymbol(token: Token | undefined, value: string): boolean {
  return token?.kind === 'symbol' && token.value === value
}

export function isWord(token: Token | undefined, value: string): boolean {
  return token?.kind === 'word' && token.value === value
}

function endsOperand(token: Token | undefined): boolean {
  if (token === undefined) return false
  if (token.kind === 'symbol') return token.value === ')' || token.value === ']'
  return token.kind !== 'word' || !Object.hasOwn(OPENING, token.value)
}

function toIndex(words: string): Readonly<Record<string, true>> {
  return Object.freeze(
    Object.fromEntries(
      words
        .trim()
        .split(/\s+/)
        .map((word) => [word, true as const]),
    ),
  )
}
