using Microsoft.Extensions.Configuration;

namespace MtaTls.Configuration;

/// <summary>
/// Reads a section key by key and collects all errors. Unlike the configuration binder, it accepts no unknown key and no single value instead of a list:
/// a route whose condition is misspelled would otherwise match everything.
/// </summary>
/// <param name="section">The section.</param>
/// <param name="errors">The list to add errors to.</param>
/// <param name="contentRoot">The directory that relative paths start from.</param>
internal sealed class SectionReader(IConfigurationSection section, ErrorList errors, string contentRoot)
{
    private readonly HashSet<string> _known = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>The section's full key.</summary>
    public string Key => section.Path;

    /// <summary>Reads every setting of a table, and adds an error for each key that the table does not have.</summary>
    /// <param name="table">The settings.</param>
    /// <param name="options">The options to set.</param>
    /// <param name="others">Keys of the section that other code reads.</param>
    public void Read<TOptions>(SettingTable<TOptions> table, TOptions options, params ReadOnlySpan<string> others)
        where TOptions : class, new()
    {
        ReadPart(table, options);
        RejectUnknownKeys(others);
    }

    /// <summary>Reads every setting of a table from a section that can have other keys too.</summary>
    public void ReadPart<TOptions>(SettingTable<TOptions> table, TOptions options)
        where TOptions : class, new()
    {
        foreach (Setting<TOptions> setting in table)
        {
            setting.Read(this, options);
        }
    }

    public void Error(string name, string problem) => errors.Add($"{Key}:{name}", problem);

    /// <summary>Returns the full path of one that is relative to the content root.</summary>
    public string FullPath(string path) => Path.GetFullPath(path, contentRoot);

    /// <summary>Reads a single value; null when the key is missing or empty.</summary>
    public string? Text(string name)
    {
        IConfigurationSection child = Child(name);
        if (child.GetChildren().Any())
        {
            errors.Add(child.Path, "must be a single value, not a list or an object.");
        }

        return string.IsNullOrEmpty(child.Value) ? null : child.Value;
    }

    /// <summary>Reads a list of single values, each with its full key.</summary>
    public IEnumerable<(string Key, string Value)> List(string name)
    {
        IConfigurationSection child = Child(name);
        if (!string.IsNullOrEmpty(child.Value))
        {
            errors.Add(child.Path, $"must be a list: [ \"{child.Value}\" ], or the key {child.Path}:0.");
        }

        return List(child);
    }

    /// <summary>Reads a list of objects, in order.</summary>
    public IEnumerable<SectionReader> Sections(string name)
    {
        IConfigurationSection child = Child(name);
        if (!string.IsNullOrEmpty(child.Value))
        {
            errors.Add(child.Path, "must be a list of objects.");
        }

        foreach (IConfigurationSection item in child.GetChildren())
        {
            if (!item.Key.All(char.IsAsciiDigit))
            {
                errors.Add(item.Path, $"'{item.Key}' is not a position in a list. The order of the entries matters, so this must be a list.");
            }

            yield return new SectionReader(item, errors, contentRoot);
        }
    }

    /// <summary>Reads an object whose keys are names that the configuration chooses, and whose values are objects.</summary>
    public IEnumerable<(string Name, SectionReader Entry)> Entries(string name)
    {
        foreach (IConfigurationSection entry in Object(name).GetChildren())
        {
            if (!string.IsNullOrEmpty(entry.Value))
            {
                errors.Add(entry.Path, "must be an object.");
            }

            yield return (entry.Key, new SectionReader(entry, errors, contentRoot));
        }
    }

    /// <summary>Reads an object whose values are single values. A name can contain colons, which separate keys elsewhere.</summary>
    public IEnumerable<(string Name, string Value)> Values(string name)
    {
        foreach ((string key, string? value) in Object(name).AsEnumerable(makePathsRelative: true))
        {
            if (value is not null && key.Length > 0)
            {
                yield return (key, value);
            }
        }
    }

    /// <summary>Reads an object whose values are lists of single values.</summary>
    public IEnumerable<(string Name, List<string> Values)> Lists(string name)
    {
        foreach (IConfigurationSection entry in Object(name).GetChildren())
        {
            if (!string.IsNullOrEmpty(entry.Value))
            {
                errors.Add(entry.Path, $"must be a list: [ \"{entry.Value}\" ].");
            }

            yield return (entry.Key, [.. List(entry).Select(static item => item.Value)]);
        }
    }

    /// <summary>Reads an object; null when the key is missing.</summary>
    public SectionReader? Section(string name)
    {
        IConfigurationSection child = Object(name);
        return child.GetChildren().Any() ? new SectionReader(child, errors, contentRoot) : null;
    }

    private IConfigurationSection Object(string name)
    {
        IConfigurationSection child = Child(name);
        if (!string.IsNullOrEmpty(child.Value))
        {
            errors.Add(child.Path, "must be an object, not a single value.");
        }

        return child;
    }

    private List<(string Key, string Value)> List(IConfigurationSection list)
    {
        List<(string Key, string Value)> values = [];
        foreach (IConfigurationSection item in list.GetChildren())
        {
            if (item.Value is { } value)
            {
                values.Add((item.Path, value));
            }
            else if (item.GetChildren().Any())
            {
                // An entry that is null does not count: that is how one configuration source removes an entry of an earlier one.
                errors.Add(item.Path, "must be a single value.");
            }
        }

        return values;
    }

    private void RejectUnknownKeys(ReadOnlySpan<string> others)
    {
        foreach (string other in others)
        {
            _known.Add(other);
        }

        foreach (IConfigurationSection child in section.GetChildren())
        {
            if (!_known.Contains(child.Key))
            {
                errors.Add(child.Path, SimilarNames.Find(child.Key, _known) is { } similar
                    ? $"there is no such setting. Did you mean {similar}?"
                    : $"there is no such setting. The settings here are: {string.Join(", ", _known)}.");
            }
        }
    }

    private IConfigurationSection Child(string name)
    {
        _known.Add(name);
        return section.GetSection(name);
    }
}
