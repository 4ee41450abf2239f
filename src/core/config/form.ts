import type { OptionPath } from './problems.ts'

/** The rules of an option, whatever its kind. */
export interface Rules {
  /** The value of an option that is left out, which is parsed like any other. */
  readonly default?: unknown
  /** Without a value, and without a default, the option has a problem. Otherwise it is `undefined`. */
  readonly isRequired?: true
  /** Values that are good beside those of the kind, and stay as they are. */
  readonly also?: readonly (string | symbol | false)[]
  /** The text of a message after `must be`, if that of its kind is not the best. */
  readonly expected?: string
  /** Why, or what to give in its place. */
  readonly hint?: string
  /** No message shows the value. */
  readonly isSecret?: true
  /** `undefined` in place of a function is a problem too, since without it more callers would get in. */
  readonly neverUndefined?: true
}

interface BooleanForm extends Rules {
  readonly kind: 'boolean'
}

export interface NumberForm extends Rules {
  readonly kind: 'integer' | 'seconds' | 'milliseconds'
  readonly min: number
  readonly max: number
}

interface ChoiceForm<Choices = readonly (string | number | true)[]> extends Rules {
  readonly kind: 'choice'
  readonly choices: Choices
}

interface TextForm extends Rules {
  readonly kind: 'text'
  /** By default a text has at least one character. */
  readonly pattern?: RegExp
  /** The value is a name that is the same in both cases: it gets lower case. */
  readonly isName?: true
}

/** An absolute URL without user, password and fragment. `allowInsecureHttp` decides about http. Messages hide its query. */
interface UrlForm extends Rules {
  readonly kind: 'url'
}

/** A function. A file cannot hold one. */
interface FunctionForm extends Rules {
  readonly kind: 'function'
}

/** A list. Equal values count once. */
export interface ListForm<Item = Form> extends Rules {
  readonly kind: 'list'
  readonly expected: string
  readonly items: Item
  readonly canBeEmpty?: true
  /** A single value counts as a list of one. */
  readonly canBeOne?: true
  /** The text of a message about two equal items, which otherwise count as one. */
  readonly distinct?: string
}

/** An object with these options. */
export interface GroupForm<Options = Fields> extends Rules {
  readonly kind: 'group'
  readonly fields: Options
  /** A text in place of the object is the value of this option. */
  readonly short?: keyof Options & string
}

/** A value of this class, which a function makes. */
export interface MadeForm<Value = object> extends Rules {
  readonly kind: 'made'
  readonly type: abstract new (...args: never) => Value
  /** The function, and the entry that has it. */
  readonly by: string
  readonly entry: string
  /** Such as `a cache`. */
  readonly noun: string
}

/** A value that has a reader of its own. */
interface CodeForm<Value = unknown> extends Rules {
  readonly kind: 'code'
  /** Its name for the schema of a file. */
  readonly is: string
  /** Returns the typed value. Throws an `AuthConfigError` with every problem in it. */
  readonly read: (value: unknown, path: OptionPath) => Value
  /** One value of a file is a text, also if it looks like a number. */
  readonly isText?: true
  readonly isUrl?: true
  /** A file may have an object with these options, */
  readonly fields?: Fields
  /** an object with any names and these values, */
  readonly entries?: Form
  /** or a list of these. */
  readonly items?: Form
}

/** An option as data: `{ kind: 'milliseconds', default: 5000, min: 1, max: 60_000 }`. Checks, schema and pages are made of it. */
export type Form =
  | BooleanForm
  | NumberForm
  | ChoiceForm
  | TextForm
  | UrlForm
  | FunctionForm
  | ListForm
  | GroupForm
  | MadeForm
  | CodeForm

export type Fields = Readonly<Record<string, Form>>

/** The forms of an option that has this type once it is parsed. */
export type FormOf<Value> = Presence<Value> & KindOf<Exclude<Value, undefined>>

/** The forms of options that have these types once they are parsed. */
export type Table<Parsed> = { readonly [Name in keyof Parsed]-?: FormOf<Parsed[Name]> }

/** An option that is never `undefined` has a default, or is required. */
type Presence<Value> = undefined extends Value
  ? Rules
  : { readonly default: unknown } | { readonly isRequired: true }

type KindOf<Value> =
  | CodeForm<Value>
  | (boolean extends Value ? BooleanForm : DataOf<Exclude<Value, false>>)

type DataOf<Value> = [Extract<Value, object>] extends [never]
  ? ScalarOf<Value>
  : ObjectOf<Extract<Value, object>>

type ScalarOf<Value> = [Value] extends [number]
  ? number extends Value
    ? NumberForm
    : ChoiceForm<Orders<Value>>
  : string extends Value
    ? TextForm | UrlForm
    : ChoiceForm<Orders<Value>>

type ObjectOf<Value> = Value extends (...args: never) => unknown
  ? FunctionForm
  : Value extends readonly (infer Item)[]
    ? ListForm<FormOf<Item | undefined>>
    : GroupForm<Table<Value>> | MadeForm<Value>

/** These values in any order. A choice that is missing does not compile. */
type Orders<Value, One = Value> = [Value] extends [never]
  ? readonly []
  : One extends Value
    ? readonly [One, ...Orders<Exclude<Value, One>>]
    : never
