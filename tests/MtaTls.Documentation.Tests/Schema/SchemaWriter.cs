using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using MtaTls.Configuration;

namespace MtaTls.Documentation.Tests.Schema;

/// <summary>Writes the ConfigurationSchema.json of a package, from its settings.</summary>
internal static class SchemaWriter
{
    private const string TimePattern = @"^-?(\d+\.)?\d{1,2}:\d{2}(:\d{2}(\.\d{1,7})?)?$";

    private static readonly JsonSerializerOptions s_options = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, NewLine = "\n" };

    public static string Write(IEnumerable<Section> sections)
    {
        JsonObject properties = [];
        foreach (Section section in sections)
        {
            properties[section.Name] = Object(section.Table, section.Description, isClosed: !section.IsShared);
        }

        JsonObject schema = new() { ["$schema"] = "http://json-schema.org/draft-07/schema#", ["type"] = "object", ["properties"] = properties };
        return schema.ToJsonString(s_options) + "\n";
    }

    private static JsonObject Object(SettingTable table, string description, bool isClosed)
    {
        JsonObject properties = [];
        foreach (Setting setting in table.Settings)
        {
            properties[setting.Name] = Of(table, setting);
        }

        JsonObject schema = new() { ["type"] = "object", ["description"] = description, ["properties"] = properties };
        if (isClosed)
        {
            schema["additionalProperties"] = false;
        }

        string[] required = [.. table.Settings.Where(static s => s.IsRequired).Select(static s => s.Name)];
        if (required.Length > 0)
        {
            schema["required"] = new JsonArray([.. required.Select(static r => JsonValue.Create(r))]);
        }

        if (table.Schema is not null)
        {
            foreach ((string key, JsonNode? value) in JsonNode.Parse(table.Schema)!.AsObject())
            {
                schema[key] = value?.DeepClone();
            }
        }

        return schema;
    }

    private static JsonObject Of(SettingTable table, Setting setting)
    {
        string description = OptionText.Describe(setting);
        JsonObject schema = setting.Kind switch
        {
            SettingKind.Boolean => new() { ["type"] = "boolean", ["description"] = description },
            SettingKind.Integer when setting.AllowsHexadecimal => new()
            {
                ["description"] = description,
                ["anyOf"] = new JsonArray(Number("integer", null, setting), new JsonObject { ["type"] = "string", ["pattern"] = "^0[xX][0-9A-Fa-f]{1,4}$" }),
            },
            SettingKind.Integer => Number("integer", description, setting),
            SettingKind.Number => Number("number", description, setting),
            SettingKind.Duration => new() { ["type"] = "string", ["description"] = description, ["pattern"] = TimePattern },
            SettingKind.Text or SettingKind.Path => Text(description, setting.Pattern),
            SettingKind.Choice => new() { ["description"] = description, ["enum"] = Names(setting) },
            SettingKind.ChoiceList => List(description, new JsonObject { ["enum"] = Names(setting) }),
            SettingKind.TextList => List(description, setting.AllowsNumbers
                ? new JsonObject { ["oneOf"] = new JsonArray(new JsonObject { ["type"] = "integer", ["minimum"] = 1, ["maximum"] = 65_535 }, Text(null, setting.Pattern)) }
                : Text(null, setting.Pattern)),
            SettingKind.Section => Object(setting.Children!, description, isClosed: true),
            SettingKind.SectionList => List(description, Object(setting.Children!, "An entry.", isClosed: true)),
            SettingKind.SectionMap => Map(description, Object(setting.Children!, "An entry.", isClosed: true)),
            SettingKind.TextMap => Map(description, Text(null, setting.Pattern)),
            SettingKind.ChoiceMap => Map(description, new JsonObject { ["enum"] = Names(setting) }),
            SettingKind.TextListMap => Map(description, List(null, Text(null, setting.Pattern))),
            _ => throw new InvalidOperationException($"{setting.Name} has an unknown kind."),
        };
        if (table.Default(setting) is { } value && setting.DefaultText is null)
        {
            schema["default"] = Value(value);
        }

        return schema;
    }

    private static JsonObject Number(string type, string? description, Setting setting)
    {
        JsonObject schema = new() { ["type"] = type };
        if (description is not null)
        {
            schema["description"] = description;
        }

        schema["minimum"] = Value(setting.Minimum!);
        schema["maximum"] = Value(setting.Maximum!);
        return schema;
    }

    private static JsonObject Text(string? description, string? pattern)
    {
        JsonObject schema = new() { ["type"] = "string" };
        if (description is not null)
        {
            schema["description"] = description;
        }

        if (pattern is not null)
        {
            schema["pattern"] = pattern;
        }

        return schema;
    }

    private static JsonObject List(string? description, JsonObject items)
    {
        JsonObject schema = new() { ["type"] = "array" };
        if (description is not null)
        {
            schema["description"] = description;
        }

        schema["items"] = items;
        return schema;
    }

    private static JsonObject Map(string description, JsonObject values) => new() { ["type"] = "object", ["description"] = description, ["additionalProperties"] = values };

    private static JsonArray Names(Setting setting) => [.. setting.Choices.Select(static c => JsonValue.Create(c))];

    private static JsonNode Value(object value) => value switch
    {
        bool flag => JsonValue.Create(flag),
        int or long or ushort => JsonValue.Create(Convert.ToInt64(value, CultureInfo.InvariantCulture)),
        double number => JsonValue.Create(number),
        _ => JsonValue.Create(SettingText.Of(value)),
    };
}
