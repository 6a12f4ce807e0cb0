using System.Globalization;
using System.Numerics;

namespace MtaTls.Configuration;

/// <summary>Creates the settings of one type of options. Each call has the name, description, member and range of a setting. A new setting needs nothing else.</summary>
/// <typeparam name="TOptions">The options.</typeparam>
internal static class Settings<TOptions>
{
    public static Setting<TOptions> Boolean(string name, string description, Func<TOptions, bool?> get, Action<TOptions, bool> set)
        => new(name, SettingKind.Boolean, description, (setting, section, options) =>
        {
            if (section.Text(setting.Name) is not { } text)
            {
                return;
            }

            if (bool.TryParse(text, out bool value))
            {
                set(options, value);
            }
            else
            {
                section.Error(setting.Name, $"'{text}' is neither true nor false.");
            }
        })
        {
            Get = options => get(options),
            Set = (options, value) => set(options, (bool)value),
        };

    /// <param name="name">The key.</param>
    /// <param name="description">What it is for.</param>
    /// <param name="get">Reads the member.</param>
    /// <param name="set">Sets the member.</param>
    /// <param name="least">The least value.</param>
    /// <param name="most">The greatest value.</param>
    /// <param name="unit">The unit, in the plural.</param>
    /// <param name="hexadecimal">Whether it can be written as 0x and hexadecimal digits.</param>
    public static Setting<TOptions> Integer<TNumber>(
        string name, string description, Func<TOptions, TNumber?> get, Action<TOptions, TNumber> set, TNumber least, TNumber most, string? unit = null, bool hexadecimal = false)
        where TNumber : struct, IBinaryInteger<TNumber>
        => new(name, SettingKind.Integer, description, (setting, section, options) =>
        {
            if (section.Text(setting.Name) is not { } text)
            {
                return;
            }

            if (TryParse(text, hexadecimal, out TNumber value) && value >= least && value <= most)
            {
                Assign(setting.Name, section, () => set(options, value), text);
            }
            else
            {
                section.Error(setting.Name, $"'{text}' is not a whole number{(unit is null ? "" : $" of {unit}")} from {SettingText.Of(least)} to {SettingText.Of(most)}.");
            }
        })
        {
            Get = options => get(options),
            Set = (options, value) => set(options, (TNumber)value),
            Minimum = least,
            Maximum = most,
            Unit = unit,
            AllowsHexadecimal = hexadecimal,
        };

    public static Setting<TOptions> Number(string name, string description, Func<TOptions, double?> get, Action<TOptions, double> set, double least, double most)
        => new(name, SettingKind.Number, description, (setting, section, options) =>
        {
            if (section.Text(setting.Name) is not { } text)
            {
                return;
            }

            if (double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) && value >= least && value <= most)
            {
                Assign(setting.Name, section, () => set(options, value), text);
            }
            else
            {
                section.Error(setting.Name, $"'{text}' is not a number from {SettingText.Of(least)} to {SettingText.Of(most)}.");
            }
        })
        {
            Get = options => get(options),
            Set = (options, value) => set(options, (double)value),
            Minimum = least,
            Maximum = most,
        };

    /// <param name="name">The key.</param>
    /// <param name="description">What it is for.</param>
    /// <param name="get">Reads the member.</param>
    /// <param name="set">Sets the member.</param>
    /// <param name="least">The smallest value; null for "more than zero".</param>
    /// <param name="most">The greatest value; null for <see cref="SettingRanges.MaxTimeout"/>.</param>
    /// <param name="infinite">Whether -00:00:00.001 means "no limit".</param>
    public static Setting<TOptions> Duration(
        string name, string description, Func<TOptions, TimeSpan?> get, Action<TOptions, TimeSpan> set, TimeSpan? least = null, TimeSpan? most = null, bool infinite = false)
    {
        TimeSpan minimum = least ?? TimeSpan.FromTicks(1);
        TimeSpan maximum = most ?? SettingRanges.MaxTimeout;
        return new(name, SettingKind.Duration, description, (setting, section, options) =>
        {
            if (section.Text(setting.Name) is not { } text)
            {
                return;
            }

            if (TryParseTime(text, out TimeSpan value) && ((infinite && value == Timeout.InfiniteTimeSpan) || (value >= minimum && value <= maximum)))
            {
                Assign(setting.Name, section, () => set(options, value), text);
            }
            else
            {
                section.Error(setting.Name, $"'{text}' is not a time span such as 00:00:10 ({setting.Range}).");
            }
        })
        {
            Get = options => get(options),
            Set = (options, value) => set(options, (TimeSpan)value),
            Minimum = minimum,
            Maximum = maximum,
            AllowsInfinite = infinite,
        };
    }

    public static Setting<TOptions> Text(
        string name, string description, Func<TOptions, string?> get, Action<TOptions, string> set, string? pattern = null, bool required = false, string? defaultText = null)
        => new(name, SettingKind.Text, description, (setting, section, options) =>
        {
            if (section.Text(setting.Name) is { } text)
            {
                set(options, text);
            }
        })
        {
            Get = options => get(options),
            Set = (options, value) => set(options, (string)value),
            Pattern = pattern,
            IsRequired = required,
            DefaultText = defaultText,
        };

    /// <summary>A path. The options get the full path.</summary>
    public static Setting<TOptions> File(string name, string description, Func<TOptions, string?> get, Action<TOptions, string> set, string? defaultText = null)
        => new(name, SettingKind.Path, description, (setting, section, options) =>
        {
            if (section.Text(setting.Name) is not { } text)
            {
                return;
            }

            if (text.Contains('\0'))
            {
                section.Error(setting.Name, "is not a path: it contains a null character.");
                return;
            }

            set(options, section.FullPath(text));
        })
        {
            Get = options => get(options),
            Set = (options, value) => set(options, (string)value),
            DefaultText = defaultText,
        };

    public static Setting<TOptions> Choice<TEnum>(string name, string description, Func<TOptions, TEnum?> get, Action<TOptions, TEnum> set, string? defaultText = null, TEnum[]? choices = null)
        where TEnum : struct, Enum
        => new(name, SettingKind.Choice, description, (setting, section, options) =>
        {
            if (section.Text(setting.Name) is not { } text)
            {
                return;
            }

            if (TryParseName(text, setting.Choices, out TEnum value))
            {
                set(options, value);
            }
            else
            {
                section.Error(setting.Name, $"'{text}' is none of {string.Join(", ", setting.Choices)}.");
            }
        })
        {
            Get = options => get(options),
            Set = (options, value) => set(options, (TEnum)value),
            Choices = choices is null ? Enum.GetNames<TEnum>() : [.. choices.Select(static c => c.ToString())],
            DefaultText = defaultText,
        };

    /// <summary>A list of the names of flags.</summary>
    public static Setting<TOptions> Flags<TEnum>(string name, string description, Func<TOptions, TEnum?> get, Action<TOptions, TEnum> add, string[] choices, string? defaultText = null)
        where TEnum : struct, Enum
        => new(name, SettingKind.ChoiceList, description, (setting, section, options) =>
        {
            foreach ((string key, string text) in section.List(setting.Name))
            {
                if (TryParseName(text, choices, out TEnum value))
                {
                    add(options, value);
                }
                else
                {
                    section.Error(key[(section.Key.Length + 1)..], $"'{text}' is none of {string.Join(", ", choices)}.");
                }
            }
        })
        {
            Get = options => get(options),
            Choices = choices,
            DefaultText = defaultText,
        };

    public static Setting<TOptions> List(
        string name, string description, Func<TOptions, IList<string>> get, string? pattern = null, bool numbers = false, bool required = false, string? defaultText = null)
        => List(name, description, (options, text) => get(options).Add(text), pattern, numbers, required, defaultText);

    public static Setting<TOptions> List(
        string name, string description, Action<TOptions, string> add, string? pattern = null, bool numbers = false, bool required = false, string? defaultText = null)
        => new(name, SettingKind.TextList, description, (setting, section, options) =>
        {
            foreach ((string key, string text) in section.List(setting.Name))
            {
                Assign(key[(section.Key.Length + 1)..], section, () => add(options, text), text);
            }
        })
        {
            Pattern = pattern,
            AllowsNumbers = numbers,
            IsRequired = required,
            DefaultText = defaultText ?? "empty",
        };

    /// <summary>A nested section for options that always exist.</summary>
    public static Setting<TOptions> Section<TChild>(string name, string description, Func<TOptions, TChild> get, SettingTable<TChild> table, bool required = false)
        where TChild : class, new()
        => new(name, SettingKind.Section, description, (setting, section, options) => section.Section(setting.Name)?.Read(table, get(options)))
        {
            CheckWithin = (options, key, errors) => table.Check(get(options), key, errors),
            Children = table,
            IsRequired = required,
        };

    /// <summary>A nested section whose options are created only when the section exists.</summary>
    public static Setting<TOptions> Optional<TChild>(string name, string description, Action<TOptions, TChild> set, SettingTable<TChild> table, string? defaultText = null)
        where TChild : class, new()
        => new(name, SettingKind.Section, description, (setting, section, options) =>
        {
            if (section.Section(setting.Name) is { } child)
            {
                TChild value = new();
                child.Read(table, value);
                Assign(setting.Name, section, () => set(options, value), null);
            }
        })
        {
            Children = table,
            DefaultText = defaultText,
        };

    /// <param name="name">The key.</param>
    /// <param name="description">What it is for.</param>
    /// <param name="add">Adds an entry, with its full key.</param>
    /// <param name="table">The settings of an entry.</param>
    public static Setting<TOptions> Sections<TChild>(string name, string description, Action<TOptions, string, TChild> add, SettingTable<TChild> table)
        where TChild : class, new()
        => new(name, SettingKind.SectionList, description, (setting, section, options) =>
        {
            foreach (SectionReader entry in section.Sections(setting.Name))
            {
                TChild value = new();
                entry.Read(table, value);
                add(options, entry.Key, value);
            }
        })
        {
            Children = table,
            DefaultText = "empty",
        };

    /// <param name="name">The key.</param>
    /// <param name="description">What it is for.</param>
    /// <param name="add">Adds an entry by its name.</param>
    /// <param name="table">The settings of an entry.</param>
    public static Setting<TOptions> Map<TChild>(string name, string description, Action<TOptions, string, TChild> add, SettingTable<TChild> table)
        where TChild : class, new()
        => new(name, SettingKind.SectionMap, description, (setting, section, options) =>
        {
            foreach ((string key, SectionReader entry) in section.Entries(setting.Name))
            {
                TChild value = new();
                entry.Read(table, value);
                add(options, key, value);
            }
        })
        {
            Children = table,
            DefaultText = "empty",
        };

    public static Setting<TOptions> TextMap(string name, string description, Action<TOptions, string, string> add, string? pattern = null)
        => new(name, SettingKind.TextMap, description, (setting, section, options) =>
        {
            foreach ((string key, string value) in section.Values(setting.Name))
            {
                add(options, key, value);
            }
        })
        {
            Pattern = pattern,
            DefaultText = "empty",
        };

    public static Setting<TOptions> ChoiceMap<TEnum>(string name, string description, Action<TOptions, string, TEnum> add)
        where TEnum : struct, Enum
        => new(name, SettingKind.ChoiceMap, description, (setting, section, options) =>
        {
            foreach ((string key, string text) in section.Values(setting.Name))
            {
                if (TryParseName(text, setting.Choices, out TEnum value))
                {
                    add(options, key, value);
                }
                else
                {
                    section.Error($"{setting.Name}:{key}", $"'{text}' is none of {string.Join(", ", setting.Choices)}.");
                }
            }
        })
        {
            Choices = Enum.GetNames<TEnum>(),
            DefaultText = "empty",
        };

    public static Setting<TOptions> ListMap(string name, string description, Action<TOptions, string, IList<string>> add)
        => new(name, SettingKind.TextListMap, description, (setting, section, options) =>
        {
            foreach ((string key, List<string> values) in section.Lists(setting.Name))
            {
                add(options, key, values);
            }
        })
        {
            DefaultText = "empty",
        };

    private static void Assign(string name, SectionReader section, Action set, string? text)
    {
        try
        {
            set();
        }
        catch (ArgumentException e)
        {
            // The member can refuse values in the range, for example an extension type that TLS itself uses. Its message without the parameter's name is the reason.
            string reason = e.Message.Split(" (Parameter", 2)[0];
            section.Error(name, text is null ? reason : $"'{text}': {reason}");
        }
    }

    private static bool TryParse<TNumber>(string text, bool hexadecimal, out TNumber value)
        where TNumber : struct, IBinaryInteger<TNumber>
        => hexadecimal && text.StartsWith("0x", StringComparison.OrdinalIgnoreCase)
            ? TNumber.TryParse(text.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value)
            : TNumber.TryParse(text, NumberStyles.Integer, CultureInfo.InvariantCulture, out value);

    // TimeSpan.TryParse would read a number without a colon as days.
    private static bool TryParseTime(string text, out TimeSpan value)
    {
        value = default;
        return text.Contains(':', StringComparison.Ordinal) && TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out value);
    }

    // Enum.TryParse accepts numbers too, which are not valid here.
    private static bool TryParseName<TEnum>(string text, IReadOnlyList<string> choices, out TEnum value)
        where TEnum : struct, Enum
    {
        value = default;
        return choices.Contains(text, StringComparer.OrdinalIgnoreCase) && Enum.TryParse(text, ignoreCase: true, out value);
    }
}
