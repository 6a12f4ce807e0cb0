using System.Text;
using MtaTls.Configuration;

namespace MtaTls.Documentation.Tests.Options;

/// <summary>Writes docs/options.md from the settings.</summary>
internal static class OptionsPage
{
    public static string Write()
    {
        StringBuilder page = new();
        page.Append("""
            # Options

            <!-- Generated from the settings by MtaTls.Documentation.Tests; do not edit. -->

            Every setting of `appsettings.json`, with its default and range. Settings are optional unless the column Default
            says **required**. Unknown settings, values of the wrong type and values out of range fail startup with one error
            that lists every key.

            - The format of times is `00:00:10` (hours, minutes, seconds) or `1.00:00:00` (with days).
            - Paths are relative to the content root.
            - When the file of a certificate or of authorities changes, it is read again before the next handshake.
            - In code the options have the same names: `UseMtaTls(options => options.Limits.MaxSessions = 1000)`.

            The sections:


            """);
        StringBuilder tables = new();
        Dictionary<SettingTable, string> written = [];
        foreach (Section section in Sections.All)
        {
            page.Append($"- [`{section.Name}`](#{Anchor(section)}) (package {section.Package}): {section.Description}\n");
            tables.Append($"\n## {Title(section)}\n\n{section.Description}\n\n");
            Append(tables, section.Name, section.Table, written);
        }

        return page.Append(tables).ToString();
    }

    private static void Append(StringBuilder page, string key, SettingTable table, Dictionary<SettingTable, string> written)
    {
        written[table] = key;
        page.Append("| Setting | Default | Range | Description |\n|---|---|---|---|\n");
        foreach (Setting setting in table.Settings)
        {
            page.Append($"| `{setting.Name}` | {Default(table, setting)} | {Range(setting)} | {Escape(setting.Description)}{Elsewhere(key, setting, written)} |\n");
        }

        foreach (Setting setting in table.Settings)
        {
            if (setting.Children is { } children && !written.ContainsKey(children))
            {
                string child = Key(key, setting);
                page.Append($"\n### {child}\n\n{Escape(setting.Description)}\n\n");
                Append(page, child, children, written);
            }
        }
    }

    private static string Elsewhere(string key, Setting setting, Dictionary<SettingTable, string> written)
        => setting.Children is { } children && written.TryGetValue(children, out string? where) && where != Key(key, setting) ? $" Settings as in `{where}`." : "";

    private static string Key(string key, Setting setting) => setting.Kind switch
    {
        SettingKind.SectionList => $"{key}:{setting.Name}:0",
        SettingKind.SectionMap => $"{key}:{setting.Name}:*",
        _ => $"{key}:{setting.Name}",
    };

    private static string Default(SettingTable table, Setting setting)
        => setting.IsRequired ? "**required**"
            : setting.DefaultText ?? (table.Default(setting) is { } value ? $"`{Plain(value)}`" : setting.Kind == SettingKind.Section ? "" : "none");

    // The value as in a settings file, without thousands separators.
    private static string Plain(object value) => value is int or long or ushort ? string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{value}") : SettingText.Of(value);

    private static string Range(Setting setting) => setting.Kind switch
    {
        SettingKind.Boolean => "true, false",
        SettingKind.Choice or SettingKind.ChoiceMap => string.Join(", ", setting.Choices),
        SettingKind.ChoiceList => $"list of {string.Join(", ", setting.Choices)}",
        SettingKind.TextList => "list",
        SettingKind.TextMap or SettingKind.TextListMap => "by name",
        SettingKind.Section => "section",
        SettingKind.SectionList => "list of sections",
        SettingKind.SectionMap => "sections by name",
        SettingKind.Path => "path",
        SettingKind.Text => "text",
        _ => setting.Unit is { } unit ? $"{setting.Range} {unit}" : setting.Range ?? "",
    };

    private static string Title(Section section) => Sections.All.Count(s => s.Name == section.Name) > 1 ? $"{section.Name} ({section.Package})" : section.Name;

    private static string Anchor(Section section) => Title(section).ToLowerInvariant().Replace(' ', '-').Replace(".", "", StringComparison.Ordinal).Replace("(", "", StringComparison.Ordinal).Replace(")", "", StringComparison.Ordinal);

    private static string Escape(string text) => text.Replace("|", "\\|", StringComparison.Ordinal).Replace("*", "\\*", StringComparison.Ordinal);
}
