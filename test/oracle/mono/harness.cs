// Runs the rows of an assembly and prints their answers, one JSON line each:
//
//     mono harness.exe ROWS.dll CONTEXTS FROM
//
// Line n of CONTEXTS is the context of class Rn as JSON, or empty. Every row
// runs twice, each time in a context of its own: "unsteady" marks an answer that
// is not the same again. FROM is the first row to run.
using System;
using System.Collections;
using System.Globalization;
using System.IO;
using System.Reflection;
using System.Text;
using System.Text.RegularExpressions;
using System.Threading;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

delegate object Row(IContext context);

static class Harness
{
    static int Main(string[] args)
    {
        Thread.CurrentThread.CurrentCulture = Thread.CurrentThread.CurrentUICulture = CultureInfo.InvariantCulture;
        CultureInfo.DefaultThreadCurrentCulture = CultureInfo.DefaultThreadCurrentUICulture = CultureInfo.InvariantCulture;
        var rows = Assembly.LoadFrom(args[0]);
        var contexts = File.ReadAllLines(args[1]);
        var output = new StreamWriter(Console.OpenStandardOutput(), new UTF8Encoding(false)) { AutoFlush = true, NewLine = "\n" };
        for (int i = int.Parse(args[2]); i < contexts.Length; i++) {
            var type = rows.GetType("R" + i);
            if (type == null) continue;
            var row = (Row)Delegate.CreateDelegate(typeof(Row), type.GetMethod("Run"));
            var answer = Answer(row, contexts[i]);
            var steady = answer == Answer(row, contexts[i]);
            output.WriteLine("{\"row\":" + i + (steady ? "" : ",\"unsteady\":true") + "," + answer + "}");
        }
        return 0;
    }

    static string Answer(Row row, string context)
    {
        World world;
        try { world = new World(context == "" ? null : context); }
        catch (Exception e) { return "\"broken\":" + Quote("context: " + e.Message); }
        try { return Write(row(world)); }
        catch (Exception e) { return "\"error\":{\"type\":" + Quote(e.GetType().ToString()) + ",\"message\":" + Quote(Message(e)) + "}"; }
    }

    // Mono names the types of a failed cast only with MONO_DEBUG=casts, and then
    // also where .NET does not: when a value is unboxed.
    static string Message(Exception e)
    {
        var m = cast.Match(e.Message);
        if (!(e is InvalidCastException) || !m.Success) return e.Message;
        foreach (var a in AppDomain.CurrentDomain.GetAssemblies()) {
            var to = a.GetType(m.Groups[1].Value);
            if (to != null && to.IsValueType) return "Specified cast is not valid.";
        }
        return e.Message;
    }

    static readonly Regex cast = new Regex("^Unable to cast object of type '.*' to type '(.*)'\\.$");

    static string Write(object v)
    {
        if (v == null) return "\"type\":null,\"value\":null";
        return "\"type\":" + Quote(v.GetType().ToString()) + ",\"value\":" + Json(v);
    }

    // Numbers are written so that reading them gives the same number.
    static string Json(object v)
    {
        var invariant = CultureInfo.InvariantCulture;
        if (v is bool) return (bool)v ? "true" : "false";
        if (v is double) { var d = (double)v; return double.IsNaN(d) || double.IsInfinity(d) ? Quote(d.ToString(invariant)) : d == 0 && 1 / d < 0 ? "-0" : d.ToString("R", invariant); }
        if (v is float) { var f = (float)v; return float.IsNaN(f) || float.IsInfinity(f) ? Quote(f.ToString(invariant)) : f == 0 && 1 / f < 0 ? "-0" : f.ToString("R", invariant); }
        if (v is sbyte || v is byte || v is short || v is ushort || v is int || v is uint || v is long || v is ulong || v is decimal) return ((IFormattable)v).ToString(null, invariant);
        var token = v as JToken;
        if (token != null) return Quote(token.ToString(Formatting.None));
        var text = v.ToString();
        return text == null ? "null" : Quote(text);
    }

    // Quote leaves readable text readable. What UTF-8 cannot hold, half of a
    // surrogate pair, is written as an escape.
    static string Quote(string s)
    {
        var sb = new StringBuilder("\"");
        for (int i = 0; i < s.Length; i++) {
            char c = s[i];
            if (c == '"' || c == '\\') sb.Append('\\').Append(c);
            else if (c == '\n') sb.Append("\\n");
            else if (c == '\r') sb.Append("\\r");
            else if (c == '\t') sb.Append("\\t");
            else if (char.IsHighSurrogate(c) && i + 1 < s.Length && char.IsLowSurrogate(s[i + 1])) sb.Append(c).Append(s[++i]);
            else if (c < ' ' || c >= '\u007f' && c < '\u00a1' || char.IsSurrogate(c) || c == '\u2028' || c == '\u2029' || c >= '\ufeff' || char.GetUnicodeCategory(c) == UnicodeCategory.Format) sb.Append("\\u").Append(((int)c).ToString("x4"));
            else sb.Append(c);
        }
        return sb.Append('"').ToString();
    }
}
