package jinja

import (
	"strings"
	"testing"
)

func TestConvicts(t *testing.T) {
	for _, src := range []string{
		`{{ ''.__class__ }}`, `{{ ''['__class__'] }}`, `{{ ''["\x5f\x5fclass\x5f\x5f"] }}`, `{{ ''['\137_class__'] }}`, `{{ x['\x5fy'] }}`,
		`{{ ''['\N{LOW LINE}_class__'] }}`, `{{ x|attr(y) }}`, `{{ x | attr('a') }}`, `{{ x|map('attr', 'a') }}`,
		`{{ x|map(attribute='__class__') }}`, `{{ x|map(attribute=y) }}`, `{{ x|sort(attribute='a' ~ y) }}`,
		`{{ x['__cla' ~ 'ss__'] }}`, `{{ x['__cla' 'ss__'] }}`, `{{ x['_' * 2 ~ 'class' ~ '_' * 2] }}`,
		`{% set u = '__' %}{{ x[u ~ 'class' ~ u] }}`, `{% set u = '_' %}{% set v = u ~ u %}{{ x|first(v ~ 'class' ~ v) }}`,
		`{{ x[['__','class','__']|join] }}`, `{{ x[['_','_','class','_','_']|join('')] }}`, `{% set a = ['__','ssalc','__']|join|reverse %}`,
		`{{ x['%s' % y] }}`, `{{ x['a'.upper()] }}`, `{{ x['a'|upper] }}`, `{{ '{0.__class__}'.format(x) }}`,
		`{{ cycler.x }}`, `{{ lipsum['a'] }}`, `{{ request.application }}`, `{{ config.SECRET }}`, `{{ self['x'] }}`,
		`{{ getattr(x, 'y') }}`, `{{ eval('1') }}`, `{{ os.environ }}`, `{{ x.popen('id') }}`, `{{ f.gi_frame }}`, `{{ x.mro() }}`,
		`{% include 'x' %}`, `{%- import 'x' as y %}`, `{% from 'x' import y %}`, `{% extends x %}`, `{% debug %}`,
		`{{ {'a':{}}.__class__ }}`, `{{ "}}".__class__ }}`, `{% raw %}{{ x.__class__ }}{% endraw %}`,
		`{{ 1.__class__ }}`, `{{ 1.5.__class__ }}`,
		`{% set k = 'xxclassxx'|replace('x', '_') %}{{ ''[k] }}`, `{% set k = '%c%cclass%c%c' % (95, 95, 95, 95) %}{{ ''[k] }}`,
		`{% set k = '{0}{0}class{0}{0}'.format(u) %}{{ ''[k] }}`, `{% set u %}_{% endset %}{% set k = u ~ u %}{{ x[k] }}`,
		`{% set k %}{{ u }}class{% endset %}{{ ''[k] }}`, `{% set u = {'a': '_'} %}{% set k = u.a ~ u.a ~ c %}{{ ''[k] }}`,
		`{% set u = ['xx', 'class'] %}{% set k = u|join %}{{ ''[k] }}`, `{% set k = 'XX'.lower() %}{% set l = k %}{{ x[l] }}`,
		`{% set ns.k = 'xx'|upper %}{{ ''[ns.k] }}`, `{% set ns = namespace(k='xx'|upper) %}{{ ''[ns.k] }}`,
		`{% set a, b = 'xx'|upper, 1 %}{{ ''[a] }}`, `{% for k in ['xx'|upper] %}{{ ''[k] }}{% endfor %}`,
		`{% with k = 'xx'|upper %}{{ ''[k] }}{% endwith %}`, `{{ ''[('xx'|upper)] }}`, `{{ ''[('%c' % 95)] }}`,
		`{% set k = ('x' if y else 'z')|upper %}{{ ''[k] }}`, `{% set a = 'x' %}{% set k = a + y %}{{ ''[k] }}`,
		`{% set k = 'xx'|upper %}{{ [x]|groupby(k) }}`, `{{ [x]|groupby('xx'|upper) }}`, `{{ [x]|sort(false, false, 'a' ~ b) }}`,
		`{% set k = 'xx'|upper %}{{ [x]|join('', k) }}`, `{% set k = 'xx'|upper %}{{ [x]|selectattr(k)|list }}`,
		`{% set k|upper %}x{% endset %}{{ ''[k] }}`,
		`{{ 'open.__class__ }}`, `{{ x.__class__`, `{# c #}{{ __builtins__ }}`, "{{ x\n.\n__class__ }}",
	} {
		if len(Scan(src)) == 0 {
			t.Errorf("%s: not seen", src)
		}
	}
}

func TestAcquits(t *testing.T) {
	for _, src := range []string{
		``, `plain __class__ text`, `{# __class__ #}{{ x }}`, `text { __class__ } {{ x }}`, `{{ 'Define __init__ in your class' }}`,
		`{% for m in messages %}{{ m['role'] + ': ' + m.content }}{% endfor %}`, `{{ messages[messages|length - 1]['content'] }}`,
		`{{ messages[loop.index0 + 1].content.split('</think>')[-1] }}`, `{% set ns = namespace(found=false, x='a') %}{% set ns.found = true %}`,
		`{{ '_' ~ x }}`, `{{ tools | map(attribute='name') | join(', ') }}`, `{{ x|selectattr('role', 'equalto', 'user')|list }}`,
		`{%- set config = x.config %}{{ config.name }}`, `{% macro f(request) %}{{ request.url }}{% endmacro %}`,
		`{% for os in systems %}{{ os.name }}{% endfor %}`, `{{ raise_exception('no') }}`, `{{ strftime_now('%d %b %Y') }}`,
		`{{ x['a' if y else 'b'] }}`, `{{ x[y['k']] }}`, `{{ x | tojson(indent=4) }}`, `{% generation %}x{% endgeneration %}`,
		`{% set last = messages|length - 1 %}{{ messages[last] }}`, `{% set i = (messages|length - 1) - loop.index0 %}{{ messages[i] }}`,
		`{% set role = m['role']|lower %}{{ names[role] }}`, `{% set key = 'user' %}{{ m[key] }}`, `{% set m = {'a': 'b'} %}{{ m[x] }}`,
		`{% for k in ['a', 'b'] %}{{ m[k] }}{% endfor %}`, `{% set c = 'a' + m.c %}{{ c[1:] }}`, `{% set c = 'a' + m.c %}{{ m[c|length] }}`,
		`{% set c = 'a' + m.c %}{% set i = c.find('x') %}{{ m[i] }}`, `{% set parts = m.content.split('</think>') %}{{ parts[0] }}`,
		`{{ x|join(', ' ~ y) }}`, `{{ x|selectattr('role', 'equalto', 'a' ~ b)|list }}`, `{{ x|groupby('role') }}`, `{{ x|sort(attribute='a') }}`,
		`{% set c %}x{% endset %}{{ c }}`, `{% set odd = loop.index0 % 2 %}{{ m[odd] }}`, `{% set i = i + 1 %}{{ m[i] }}`,
		`{% for k, v in x.items() %}{{ x[k] }}{% endfor %}`, `{% set ns = namespace(x='', i=0) %}{{ m[ns.i] }}`,
		`{{ '{"name": ' }}{{ x }}{{ '}' }}`, `{{ "<|im_start|>" + 'a\n' }}`, `{{ cycler('a', 'b') }}`, `{{ range(3) }}`,
	} {
		if hits := Scan(src); len(hits) > 0 {
			t.Errorf("%s: %v", src, hits)
		}
	}
}

func TestText(t *testing.T) {
	for src, want := range map[string]bool{
		`Hello {{ "".__class__.__mro__ }}`:                         true,
		`{"a": "{{ ''.__class__ }}"}`:                              true,
		`{% set k %}{{ u }}class{% endset %}{{ ''[k] }}`:           true,
		`{% raw %}{{ ' }}{% endraw %}{{ ''.__class__ }}`:           true,
		"{{ x\u00a0.__class__ }}":                                  true,
		"{{ a\u0301 }}{{ x.__class__ }}":                           true,
		`{{ x|attr('a') }}`:                                        true,
		`{{ f.gi_frame }}`:                                         true,
		strings.Repeat("{{ 1 }}", maxTokens) + `{{ x.__class__ }}`: true,
		``:                false,
		`plain __class__`: false,
		"title={{BERT}: Pre-training}\n\ndef __init__(self):\n": false,
		`it's {{ x.__class__`:              false, // no engine takes it
		`f"{{{self.__class__.__name__}}}"`: false,
		`${{ matrix.os }} {{ config.x }} {% include "a.html" %} {{ os.name }}`: false,
		`#define A {{ __FILE__, __LINE__ }}`:                                   false,
		`{% extends "base" %}{{ url_for.x }}{{ self['a'] }}{{ chr(1) }}`:       false,
		`{{ items['a' + i] }} int x[2][2] = {{1, 2}, {3, 4}};`:                 false,
	} {
		if hits := ScanText(src); (len(hits) > 0) != want {
			t.Errorf("%.60q: %v, want hits: %v", src, hits, want)
		}
	}
}

func TestManyHitsAreBounded(t *testing.T) {
	if n := len(Scan(strings.Repeat("{{ x.__class__ }}", 1000))); n != MaxHits {
		t.Errorf("%d hits, want %d", n, MaxHits)
	}
}

// TestLongTemplates has the shapes that would take quadratic time where each token looked at all others.
func TestLongTemplates(t *testing.T) {
	for _, part := range []string{`x[`, `\\'`, `'{__a__}',`, `a,`, `'a'`, `a=`, `(`, `{{`, `'a'~`, `f(a=`, `(a)%`, `a=b,`, `(x|`, `a[b%`, `x|sort(`} {
		for _, open := range []string{"{{ ", "{% for ", "{% set a = '"} {
			Scan(open + strings.Repeat(part, 1<<17/len(part)))
		}
	}
}

func TestManyTokensConvict(t *testing.T) {
	if hits := Scan("{{ x }}" + strings.Repeat("{{ x }}", maxTokens/2-1)); len(hits) > 0 {
		t.Errorf("at the bound: %v", hits)
	}
	for _, src := range []string{strings.Repeat("{{ x }}", maxTokens/2+1), "{{ " + strings.Repeat("(", maxTokens+1)} {
		if hits := Scan(src); len(hits) != 1 || !strings.Contains(hits[0].What, "tokens") {
			t.Errorf("%.10q beyond the bound: %v", src, hits)
		}
	}
}

func FuzzScan(f *testing.F) {
	for _, s := range []string{"{{ x['a' ~ 'b'] }}", "{% set a = '\\x5f' * 3 %}", "{# #}{{ {'a': [1]} }}", "{{ '"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, src string) {
		first := Scan(src)
		if len(first) > MaxHits {
			t.Fatalf("%d hits", len(first))
		}
		for _, h := range first {
			if h.Offset < 0 || h.Offset >= len(src) || h.What == "" {
				t.Fatalf("hit %+v of %d bytes", h, len(src))
			}
		}
		// A name that leads out, used in a block of its own, is seen whatever stands before it.
		if _, whole := lex(src, false); whole && len(first) < MaxHits && len(Scan(src+"{{ x.__class__ }}")) == 0 {
			t.Fatalf("%q hides what follows", src)
		}
	})
}
