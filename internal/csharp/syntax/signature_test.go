package syntax

import "testing"

func TestParseSignature(t *testing.T) {
	for _, in := range []string{
		`public static string Join<T>(string separator, params T[] values)`,
		`string Substring(int startIndex, int length = 0)`, `int Length { get; }`, `char this[int index] { get; set; }`,
		`String(char c, int count)`, `static readonly string Empty`, `const int MaxValue = 2147483647`, `const int MinValue = -1`,
		`static bool operator ==(string a, string b)`, `static int operator >>(X a, int b)`, `static implicit operator JToken(string value)`,
		`static IEnumerable<R> Select<T, R>(this IEnumerable<T> source, Func<T, R> selector)`,
		`T Value<T>(object key) where T : class, new();`, `IDictionary<string, List<int[]>>[,] X(int? a = null, CancellationToken t = default(CancellationToken))`,
	} {
		s, err := ParseSignature(in)
		if err != nil {
			t.Errorf("%s: %v", in, err)
			continue
		}
		t.Logf("%+v", *s)
	}
	for _, in := range []string{
		`public sealed class Dictionary<TKey, TValue> : IDictionary<TKey, TValue>, IEnumerable<KeyValuePair<TKey, TValue>>`,
		`delegate TResult Func<in T, out TResult>(T arg)`, `static class System.Math`, `enum X : byte { A, B = 3, }`, `interface A { }`,
	} {
		s, err := ParseTypeDecl(in)
		if err != nil {
			t.Errorf("%s: %v", in, err)
			continue
		}
		t.Logf("%+v", *s)
	}
	for _, in := range []string{`Dictionary<,>`, `int?[][,]`, `(int a, string)`, `global::System.Collections.Generic.List<List<int>>.Enumerator`} {
		if _, err := ParseType(in); err != nil {
			t.Errorf("%s: %v", in, err)
		}
	}
}
