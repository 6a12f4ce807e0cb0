using System.Collections;

namespace MtaTls.Configuration;

/// <summary>The settings of one section.</summary>
/// <param name="settings">The settings.</param>
/// <param name="schema">Additional JSON schema, as the members of a JSON object: which settings exclude or need each other.</param>
internal abstract class SettingTable(IReadOnlyList<Setting> settings, string? schema)
{
    public IReadOnlyList<Setting> Settings => settings;

    public string? Schema => schema;

    /// <summary>Returns the value of a setting that is not configured; null when it has no single value.</summary>
    public abstract object? Default(Setting setting);
}

/// <summary>The settings of one section, and the options that they set.</summary>
/// <typeparam name="TOptions">The options.</typeparam>
/// <param name="settings">The settings.</param>
/// <param name="schema">Additional JSON schema.</param>
/// <param name="defaults">Creates options with the default values, when these differ from the defaults of the type.</param>
internal sealed class SettingTable<TOptions>(IReadOnlyList<Setting<TOptions>> settings, string? schema = null, Func<TOptions>? defaults = null)
    : SettingTable(settings, schema), IReadOnlyList<Setting<TOptions>>
    where TOptions : class, new()
{
    public int Count => settings.Count;

    public Setting<TOptions> this[int index] => settings[index];

    public override object? Default(Setting setting) => ((Setting<TOptions>)setting).Get?.Invoke(defaults?.Invoke() ?? new TOptions());

    /// <summary>Adds an error for every value that is out of range.</summary>
    /// <param name="options">The options.</param>
    /// <param name="key">The key of their section.</param>
    /// <param name="errors">The list to add errors to.</param>
    public void Check(TOptions options, string key, ErrorList errors)
    {
        foreach (Setting<TOptions> setting in settings)
        {
            setting.Check(options, key, errors);
        }
    }

    /// <summary>Returns the values of all settings, to compare options.</summary>
    public object?[] Values(TOptions options) => [.. settings.Select(setting => setting.Get?.Invoke(options))];

    /// <summary>Copies every value from one object to another.</summary>
    public void Copy(TOptions from, TOptions to)
    {
        foreach (Setting<TOptions> setting in settings)
        {
            setting.Copy(from, to);
        }
    }

    public IEnumerator<Setting<TOptions>> GetEnumerator() => settings.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
