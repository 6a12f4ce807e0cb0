using Microsoft.Extensions.Configuration;

namespace MtaTls.AspNetCore.Configuration;

/// <summary>
/// Reads a section value by value and remembers all that is wrong with it. Unlike a binder it takes no unknown key and no single value for a list: a route
/// whose condition is misspelt would be a route for everything.
/// </summary>
internal sealed class SectionReader(IConfigurationSection section, ConfigurationErrors errors)
{
    private readonly HashSet<string> _known = new(StringComparer.OrdinalIgnoreCase);

    public string Key => section.Path;

    public string? Text(string name)
    {
        IConfigurationSection child = Child(name);
        if (child.GetChildren().Any())
        {
            errors.Add(child.Path, "is one value, not a list or an object.");
        }

        return string.IsNullOrEmpty(child.Value) ? null : child.Value;
    }

    public void Bool(string name, Action<bool> set)
    {
        string? text = Text(name);
        if (bool.TryParse(text, out bool value))
        {
            set(value);
        }
        else if (text is not null)
        {
            errors.Add($"{Key}:{name}", $"'{text}' is neither true nor false.");
        }
    }

    public void Value<T>(string name, Action<T> set)
        where T : ISpanParsable<T> => ConfigureMtaTlsOptions.Set(errors, $"{Key}:{name}", Text(name), set);

    public void Enum<T>(string name, Action<T> set)
        where T : struct, Enum => ConfigureMtaTlsOptions.SetEnum(errors, $"{Key}:{name}", Text(name), set);

    public void List(string name, IList<string> values)
    {
        IConfigurationSection child = Child(name);
        if (!string.IsNullOrEmpty(child.Value))
        {
            errors.Add(child.Path, $"is a list: [ \"{child.Value}\" ], or {child.Path}:0 as a single key.");
        }

        foreach (IConfigurationSection item in child.GetChildren())
        {
            if (item.Value is { } value)
            {
                values.Add(value);
            }
            else
            {
                errors.Add(item.Path, "is not a text.");
            }
        }
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
                errors.Add(item.Path, $"'{item.Key}' is no place in a list; the order decides, so write a list.");
            }

            yield return new SectionReader(item, errors);
        }
    }

    /// <summary>The entries of an object whose keys are names that the configuration chooses.</summary>
    public IEnumerable<(string Name, SectionReader Entry)> Entries(string name)
    {
        IConfigurationSection child = Child(name);
        if (!string.IsNullOrEmpty(child.Value))
        {
            errors.Add(child.Path, "is an object.");
        }

        foreach (IConfigurationSection entry in child.GetChildren())
        {
            if (!string.IsNullOrEmpty(entry.Value))
            {
                errors.Add(entry.Path, "is an object.");
            }

            yield return (entry.Key, new SectionReader(entry, errors));
        }
    }

    /// <summary>An object, or null where there is none.</summary>
    public SectionReader? Section(string name)
    {
        IConfigurationSection child = Child(name);
        if (!string.IsNullOrEmpty(child.Value))
        {
            errors.Add(child.Path, "is an object.");
        }

        return child.GetChildren().Any() ? new SectionReader(child, errors) : null;
    }

    /// <summary>To be called when all has been read that there is to read, except what others read.</summary>
    public void RejectUnknownKeys(params ReadOnlySpan<string> others)
    {
        foreach (string other in others)
        {
            _known.Add(other);
        }

        foreach (IConfigurationSection child in section.GetChildren())
        {
            if (!_known.Contains(child.Key))
            {
                errors.Add(child.Path, $"is none of {string.Join(", ", _known)}.");
            }
        }
    }

    private IConfigurationSection Child(string name)
    {
        _known.Add(name);
        return section.GetSection(name);
    }
}
