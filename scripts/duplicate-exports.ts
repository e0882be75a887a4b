import ts from 'typescript';

/** Names that a framework demands: Temporal calls this export of each interceptor module of workflows. */
const DEMANDED = new Set(['interceptors']);

/** A module to check. */
export interface ModuleText {
  readonly path: string;
  readonly text: string;
}

/** A name that several modules export, and their declarations as `path:line`. */
export interface DuplicateExport {
  readonly name: string;
  readonly places: readonly string[];
}

/** Returns the names that more than one module declares and exports, ordered. Re-exports and defaults do not count. */
export function findDuplicateExports(modules: readonly ModuleText[]): DuplicateExport[] {
  const places = new Map<string, string[]>();
  for (const { path, text } of modules) {
    for (const [name, line] of declaredExports(path, text)) {
      if (!DEMANDED.has(name)) places.set(name, [...(places.get(name) ?? []), `${path}:${line}`]);
    }
  }
  return [...places]
    .filter(([, found]) => found.length > 1)
    .map(([name, found]) => ({ name, places: found }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Returns the line of each export that a module declares: the first one of overloads, or of a value and its type. */
function declaredExports(path: string, text: string): Map<string, number> {
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest);
  const lines = new Map<string, number>();
  const add = (name: ts.Node): void => {
    if (!ts.isIdentifier(name) || lines.has(name.text)) return;
    lines.set(name.text, source.getLineAndCharacterOfPosition(name.getStart(source)).line + 1);
  };
  for (const statement of source.statements) {
    if (!isExported(statement)) continue;
    if (ts.isVariableStatement(statement))
      for (const { name } of statement.declarationList.declarations) add(name);
    else if ('name' in statement && statement.name !== undefined) add(statement.name as ts.Node);
  }
  return lines;
}

function isExported(statement: ts.Statement): boolean {
  const kinds = ts.canHaveModifiers(statement)
    ? ts.getModifiers(statement)?.map(({ kind }) => kind)
    : undefined;
  return (
    kinds?.includes(ts.SyntaxKind.ExportKeyword) === true && !kinds.includes(ts.SyntaxKind.DefaultKeyword)
  );
}
