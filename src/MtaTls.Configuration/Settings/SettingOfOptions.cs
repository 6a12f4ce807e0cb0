namespace MtaTls.Configuration;

/// <summary>A setting, and the member of the options that it goes into. <see cref="Settings{TOptions}"/> makes them.</summary>
/// <typeparam name="TOptions">The options.</typeparam>
/// <param name="name">The key.</param>
/// <param name="kind">What the value is.</param>
/// <param name="description">What it is for.</param>
/// <param name="read">Reads the key of a section into the options, and reports what is wrong with it.</param>
internal sealed class Setting<TOptions>(string name, SettingKind kind, string description, Action<Setting, SectionReader, TOptions> read)
    : Setting(name, kind, description)
{
    /// <summary>The value in the options; null for lists, maps and sections.</summary>
    public Func<TOptions, object?>? Get { get; init; }

    /// <summary>Sets the member in code: range errors are the setter's own. Null where there is no single value.</summary>
    public Action<TOptions, object>? Set { get; init; }

    public void Read(SectionReader section, TOptions options) => read(this, section, options);

    public void Copy(TOptions from, TOptions to)
    {
        if (Get?.Invoke(from) is { } value)
        {
            Set?.Invoke(to, value);
        }
    }

    /// <summary>The same setting of options that hold these options.</summary>
    public Setting<TOuter> In<TOuter>(Func<TOuter, TOptions> inner)
    {
        Func<TOptions, object?>? get = Get;
        Action<TOptions, object>? set = Set;
        return new Setting<TOuter>(Name, Kind, Description, (setting, section, options) => read(setting, section, inner(options)))
        {
            Get = get is null ? null : options => get(inner(options)),
            Set = set is null ? null : (options, value) => set(inner(options), value),
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
