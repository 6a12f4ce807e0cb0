namespace MtaTls.Configuration;

/// <summary>A setting and the member of the options that it sets. <see cref="Settings{TOptions}"/> creates it.</summary>
/// <typeparam name="TOptions">The options.</typeparam>
/// <param name="name">The key.</param>
/// <param name="kind">The type of the value.</param>
/// <param name="description">The description.</param>
/// <param name="read">Reads the key of a section into the options, and adds errors.</param>
internal sealed class Setting<TOptions>(string name, SettingKind kind, string description, Action<Setting, SectionReader, TOptions> read)
    : Setting(name, kind, description)
{
    /// <summary>The value in the options; null for lists, maps and sections.</summary>
    public Func<TOptions, object?>? Get { get; init; }

    /// <summary>Sets the member in code; the member's setter checks the range. Null when the setting has no single value.</summary>
    public Action<TOptions, object>? Set { get; init; }

    /// <summary>Checks the options of a nested section; null for other kinds.</summary>
    public Action<TOptions, string, ErrorList>? CheckWithin { get; init; }

    public void Read(SectionReader section, TOptions options) => read(this, section, options);

    /// <summary>Adds an error for a value out of range, from configuration or from code.</summary>
    /// <param name="options">The options.</param>
    /// <param name="section">The key of their section.</param>
    /// <param name="errors">The list to add errors to.</param>
    public void Check(TOptions options, string section, ErrorList errors)
    {
        string key = $"{section}:{Name}";
        CheckWithin?.Invoke(options, key, errors);
        if (Get?.Invoke(options) is not { } value)
        {
            return;
        }

        if (Kind == SettingKind.Choice && !Choices.Contains(value.ToString()))
        {
            errors.Add(key, $"'{value}' is none of {string.Join(", ", Choices)}.");
        }
        else if (Minimum is IComparable least && Maximum is IComparable most && (least.CompareTo(value) > 0 || most.CompareTo(value) < 0)
            && !(AllowsInfinite && value.Equals(Timeout.InfiniteTimeSpan)))
        {
            errors.Add(key, $"{SettingText.Of(value)} is out of range: {Range}{(Unit is null ? "" : $" {Unit}")}.");
        }
    }

    public void Copy(TOptions from, TOptions to)
    {
        if (Get?.Invoke(from) is { } value)
        {
            Set?.Invoke(to, value);
        }
    }

    /// <summary>Returns the same setting for options that contain these options.</summary>
    public Setting<TOuter> In<TOuter>(Func<TOuter, TOptions> inner)
    {
        Func<TOptions, object?>? get = Get;
        Action<TOptions, object>? set = Set;
        return new Setting<TOuter>(Name, Kind, Description, (setting, section, options) => read(setting, section, inner(options)))
        {
            Get = get is null ? null : options => get(inner(options)),
            Set = set is null ? null : (options, value) => set(inner(options), value),
            CheckWithin = CheckWithin is { } check ? (options, key, errors) => check(inner(options), key, errors) : null,
            Unit = Unit,
            Minimum = Minimum,
            Maximum = Maximum,
            AllowsInfinite = AllowsInfinite,
            AllowsHexadecimal = AllowsHexadecimal,
            Choices = Choices,
            Pattern = Pattern,
            AllowsNumbers = AllowsNumbers,
            IsRequired = IsRequired,
            DefaultText = DefaultText,
            Children = Children,
        };
    }
}
