using System.Text.Json.Nodes;
using NJsonSchema;

namespace MtaTls.Documentation.Tests.Schema;

/// <summary>The schemas of all packages together.</summary>
internal static class Schemas
{
    private static readonly Lazy<Task<JsonSchema[]>> s_schemas = new(static () => Task.WhenAll(Sections.ByPackage().Select(static p => JsonSchema.FromJsonAsync(SchemaWriter.Write(p)))));

    /// <summary>The errors of a settings file; empty: it is valid. A key of a shared section that no package knows is an error too.</summary>
    public static async Task<string> ErrorsAsync(JsonObject settings)
    {
        List<string> errors = [];
        foreach (JsonSchema schema in await s_schemas.Value)
        {
            errors.AddRange(schema.Validate(settings.ToJsonString()).Select(static e => e.ToString()));
        }

        foreach (IGrouping<string, Section> shared in Sections.All.Where(static s => s.IsShared).GroupBy(static s => s.Name))
        {
            HashSet<string> known = [.. shared.SelectMany(static s => s.Table.Settings).Select(static s => s.Name)];
            if (settings[shared.Key] is JsonObject section)
            {
                errors.AddRange(section.Select(static p => p.Key).Where(k => !known.Contains(k)).Select(k => $"{shared.Key}:{k} is no setting."));
            }
        }

        return string.Join("; ", errors);
    }
}
