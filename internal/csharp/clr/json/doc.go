// Package json is Newtonsoft.Json as policies meet it: the tree of
// Newtonsoft.Json.Linq (JObject, JArray, JProperty, JValue, JRaw, JConstructor
// under JToken and JContainer), its JSONPath, and JsonConvert's SerializeObject
// and DeserializeObject.
//
// Texts are read as Newtonsoft's JsonTextReader reads them, which is more than
// JSON: comments, single quotes, names without quotes, octal and hexadecimal
// numbers, NaN and Infinity, undefined, constructors, items that are left out.
// A string that is an ISO 8601 moment becomes a date. Where versions of
// Newtonsoft differ, the rules are those of 13.0, which Azure's toolkit for
// policies names; among them that no text nests deeper than [MaxDepth]. An
// integer beyond 64 bits is a System.Numerics.BigInteger, a hidden type: it can
// be converted and printed, not named. Of two members with one name the last
// wins, in the place of the first.
//
// [Parse] and [Text] are the two directions for Go code; [Text] of what [Parse]
// gave parses to an equal tree. The members that expressions call are in
// [Family].
//
// Memory is taken from the thread before it is used, for texts and for tokens;
// a tree that an expression has built deeper than calls may nest cannot be
// printed, copied or compared (the limit of depth ends the run). Failing throws
// .NET's exceptions with Newtonsoft's messages, path, line and position
// included.
//
// Not here: settings, converters, readers and writers of JSON, which Azure's
// list lacks, and "dynamic"; arrays of several dimensions and XML as what a text
// is deserialized to.
package json
