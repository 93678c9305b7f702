import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { matchRoute, parseRoute } from '../../../local/host/routes.js';

function route(template: string, methods: readonly string[] = ['GET'], functionName = template) {
  return parseRoute({ functionName, template, methods });
}

function parametersOf(template: string, path: string): Readonly<Record<string, string>> | undefined {
  const match = matchRoute([route(template)], 'get', path);
  return match.kind === 'matched' ? match.parameters : undefined;
}

describe('a route', () => {
  const cases: readonly [template: string, path: string, expected: Record<string, string> | undefined][] = [
    ['status', 'status', {}],
    ['Status', 'sTATUS', {}],
    ['status', 'status/more', undefined],
    ['', '', {}],
    ['tables/{name}', 'tables/readings', { name: 'readings' }],
    ['tables/{name}', 'tables', undefined],
    ['tables/{name}', 'tables/a%20b%2Fc', { name: 'a b/c' }],
    ['tables/{name}', 'tables/50%', { name: '50%' }],
    ['tables/{name?}', 'tables', {}],
    ['tables/{name=all}', 'tables', { name: 'all' }],
    ['tables/{name=all}', 'tables/one', { name: 'one' }],
    ['files/{*path}', 'files/a/b/c.json', { path: 'a/b/c.json' }],
    ['files/{**path}', 'files', { path: '' }],
    ['{id:int}', '42', { id: '42' }],
    ['{id:int}', '4.2', undefined],
    ['{id:int?}', '', {}],
    ['{id:int:min(10)}', '9', undefined],
    ['{id:int:min(10)}', '10', { id: '10' }],
    ['{id:range(1,5)}', '6', undefined],
    ['{id:guid}', '0f8fad5b-d9cb-469f-a165-70867728950e', { id: '0f8fad5b-d9cb-469f-a165-70867728950e' }],
    ['{id:guid}', 'nope', undefined],
    ['{name:alpha}', 'abc', { name: 'abc' }],
    ['{name:alpha}', 'abc1', undefined],
    ['{name:length(2,3)}', 'abcd', undefined],
    ['{name:minlength(2)}', 'a', undefined],
    ['{flag:bool}', 'TRUE', { flag: 'TRUE' }],
    ['{code:regex(^[a-z]{{2}}$)}', 'de', { code: 'de' }],
    ['{code:regex(^[a-z]{{2}}$)}', 'deu', undefined],
  ];
  for (const [template, path, expected] of cases) {
    it(`"${template}" ${expected === undefined ? 'does not match' : 'matches'} "${path}"`, () => {
      assert.deepEqual(parametersOf(template, path), expected);
    });
  }

  it('wins over less specific ones, in whatever order they were registered', () => {
    const routes = [route('{*all}'), route('a/{x}'), route('a/{x:int}'), route('a/b')];
    const winner = (path: string) => {
      const match = matchRoute(routes, 'GET', path);
      return match.kind === 'matched' ? match.functionName : match.kind;
    };
    assert.deepEqual(['a/b', 'a/1', 'a/c', 'z'].map(winner), ['a/b', 'a/{x:int}', 'a/{x}', '{*all}']);
  });

  it('of another method gives way, and is named when it is the only one', () => {
    const routes = [route('a', ['POST', 'put'], 'write'), route('a', ['DELETE'], 'remove')];
    assert.deepEqual(matchRoute(routes, 'PUT', 'a'), {
      kind: 'matched',
      functionName: 'write',
      parameters: {},
    });
    assert.deepEqual(matchRoute(routes, 'GET', 'a'), {
      kind: 'methodNotAllowed',
      allowed: ['DELETE', 'POST', 'PUT'],
    });
    assert.deepEqual(matchRoute(routes, 'GET', 'b'), { kind: 'notFound' });
  });

  it('that cannot be read is refused, naming the function', () => {
    for (const template of ['a/{', 'a/x{y}', '{*rest}/more', '{id:nosuch}', '{id:regex([)}']) {
      assert.throws(() => route(template, ['GET'], 'broken'), /"broken"/, template);
    }
  });
});
