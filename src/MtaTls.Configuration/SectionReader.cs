using Microsoft.Extensions.Configuration;

namespace MtaTls.Configuration;

/// <summary>
/// Reads a section key by key and remembers everything that is wrong with it. Unlike a binder it accepts no unknown key and no single value in place of a list:
/// a route whose condition is misspelled would be a route for everything.
/// </summary>
/// <param name="section">The section.</param>
/// <param name="errors">Where errors go.</param>
/// <param name="contentRoot">The directory that relative paths start from.</param>
internal sealed class SectionReader(IConfigurationSection section, ErrorList errors, string contentRoot)
{
    private readonly HashSet<string> _known = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>The section's full key.</summary>
    public string Key => section.Path;

    /// <summary>Reads every setting of a table, and reports each key that is not in it.</summary>
    /// <param name="table">The settings.</param>
    /// <param name="options">Where their values go.</param>
    /// <param name="others">Keys that others read from the same section.</param>
    public void Read<TOptions>(SettingTable<TOptions> table, TOptions options, params ReadOnlySpan<string> others)
        where TOptions : class, new()
    {
        ReadPart(table, options);
        RejectUnknownKeys(others);
    }

    /// <summary>Reads every setting of a table from a section that has other keys too.</summary>
    public void ReadPart<TOptions>(SettingTable<TOptions> table, TOptions options)
        where TOptions : class, new()
    {
        foreach (Setting<TOptions> setting in table)
        {
            setting.Read(this, options);
        }
    }

    public void Error(string name, string problem) => errors.Add($"{Key}:{name}", problem);

    /// <summary>A path, relative to the content root.</summary>
    public string FullPath(string path) => Path.GetFullPath(path, contentRoot);

    /// <summary>A single value; null where the key is absent or empty.</summary>
    public string? Text(string name)
    {
        IConfigurationSection child = Child(name);
        if (child.GetChildren().Any())
        {
            errors.Add(child.Path, "is one value, not a list or an object.");
        }

        return string.IsNullOrEmpty(child.Value) ? null : child.Value;
    }

    /// <summary>The entries of a list of single values, each with its full key.</summary>
    public IEnumerable<(string Key, string Value)> List(string name)
    {
        IConfigurationSection child = Child(name);
        if (!string.IsNullOrEmpty(child.Value))
        {
            errors.Add(child.Path, $"is a list: [ \"{child.Value}\" ], or {child.Path}:0 as a single key.");
        }

        return List(child);
    }

    /// <summary>The entries of a list of objects, in order.</summary>
    public IEnumerable<SectionReader> Sections(string name)
    {
        IConfigurationSection child = Child(name);
        if (!string.IsNullOrEmpty(child.Value))
        {
            errors.Add(child.Path, "is a list of objects.");
        }

        foreach (IConfigurationSection item in child.GetChildren())
        {
            if (!item.Key.All(char.IsAsciiDigit))
            {
                errors.Add(item.Path, $"'{item.Key}' is not a position in a list. The order decides, so write a list.");
            }

            yield return new SectionReader(item, errors, contentRoot);
        }
    }

    /// <summary>The entries of an object whose keys are names that the configuration chooses.</summary>
    public IEnumerable<(string Name, SectionReader Entry)> Entries(string name)
    {
        foreach (IConfigurationSection entry in Object(name).GetChildren())
        {
            if (!string.IsNullOrEmpty(entry.Value))
            {
                errors.Add(entry.Path, "is an object.");
            }

            yield return (entry.Key, new SectionReader(entry, errors, contentRoot));
        }
    }

    /// <summary>The entries of an object whose values are single values. A name may contain colons, which divide keys elsewhere.</summary>
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

    /// <summary>The entries of an object whose values are lists of single values.</summary>
    public IEnumerable<(string Name, List<string> Values)> Lists(string name)
    {
        foreach (IConfigurationSection entry in Object(name).GetChildren())
        {
            if (!string.IsNullOrEmpty(entry.Value))
            {
                errors.Add(entry.Path, $"is a list: [ \"{entry.Value}\" ].");
            }

            yield return (entry.Key, [.. List(entry).Select(static item => item.Value)]);
        }
    }

    /// <summary>An object; null where the key is absent.</summary>
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
            errors.Add(child.Path, "is an object, not one value.");
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
                // An entry that is null is none: that is how a source takes back what an earlier one says.
                errors.Add(item.Path, "is not a single value.");
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
                    : $"there is no such setting. Known here: {string.Join(", ", _known)}.");
            }
        }
    }

    private IConfigurationSection Child(string name)
    {
        _known.Add(name);
        return section.GetSection(name);
    }
}
