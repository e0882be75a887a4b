import { dirname, resolve } from 'node:path';

/** Rules of this project's own, for eslint.config.js. */

/**
 * Forbids assignments to computed keys of plain objects: keys from outside such as `constructor` or `__proto__` exist
 * there already, or set the prototype. Numbers are allowed.
 */
export const mapsForKeys = {
  meta: {
    type: 'problem',
    messages: { map: 'Use a Map for computed keys, not a plain object.' },
    schema: [],
  },
  create(context) {
    const services = context.sourceCode.parserServices;
    const require = (target) => {
      if (target.type !== 'MemberExpression' || !target.computed || target.property.type === 'Literal')
        return;
      const checker = services.program.getTypeChecker();
      const type = services.getTypeAtLocation(target.object);
      const isKeyed = checker.getIndexInfosOfType(type).length > 0 && !checker.isArrayLikeType(type);
      const key = checker.typeToString(
        checker.getBaseTypeOfLiteralType(services.getTypeAtLocation(target.property)),
      );
      if (isKeyed && key !== 'number') context.report({ node: target, messageId: 'map' });
    };
    return {
      AssignmentExpression: ({ left }) => require(left),
      UpdateExpression: ({ argument }) => require(argument),
    };
  },
};

/** The modules that each module of a program imports, directly or not; by program. */
const REACHABLE = new WeakMap();

function importsOf(program, path) {
  return (program.getSourceFile(path)?.imports ?? [])
    .filter(({ text }) => text.startsWith('.'))
    .map(({ text }) => resolve(dirname(path), text));
}

function reachableFrom(program, path) {
  const known = REACHABLE.get(program) ?? new Map();
  REACHABLE.set(program, known);
  const cached = known.get(path);
  if (cached !== undefined) return cached;
  const reachable = new Set();
  const open = [path];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    for (const imported of importsOf(program, next)) {
      if (reachable.has(imported)) continue;
      reachable.add(imported);
      open.push(imported);
    }
  }
  known.set(path, reachable);
  return reachable;
}

/** Forbids import cycles, those of `import type` included, which import-x/no-cycle leaves out. */
export const noTypeCycle = {
  meta: {
    type: 'problem',
    messages: { cycle: '{{source}} imports this module, directly or through others.' },
    schema: [],
  },
  create(context) {
    const { program } = context.sourceCode.parserServices;
    const check = ({ source }) => {
      if (source === null || !source.value.startsWith('.')) return;
      const path = resolve(dirname(context.filename), source.value);
      if (path === context.filename || reachableFrom(program, path).has(context.filename))
        context.report({ node: source, messageId: 'cycle', data: { source: source.value } });
    };
    return { ImportDeclaration: check, ExportNamedDeclaration: check, ExportAllDeclaration: check };
  },
};
