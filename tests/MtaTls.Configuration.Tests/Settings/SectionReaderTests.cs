using Microsoft.Extensions.Configuration;
using S = MtaTls.Configuration.Settings<MtaTls.Configuration.Tests.SectionReaderTests.Options>;

namespace MtaTls.Configuration.Tests;

public sealed class SectionReaderTests
{
    private static readonly SettingTable<Options> s_child = new(
    [
        S.Text("Word", "A word.", o => o.Text, (o, v) => o.Text = v),
    ]);

    private static readonly SettingTable<Options> s_table = new(
    [
        S.Boolean("Flag", "A flag.", o => o.Flag, (o, v) => o.Flag = v),
        S.Integer("Count", "A count.", o => o.Count, (o, v) => o.Count = v, 1, 10_000, "apples"),
        S.Integer("Code", "A code.", o => o.Code, (o, v) => o.Code = v, ushort.MinValue, ushort.MaxValue, hexadecimal: true),
        S.Number("Share", "A share.", o => o.Share, (o, v) => o.Share = v, 0, 1),
        S.Duration("Delay", "A delay.", o => o.Delay, (o, v) => o.Delay = v, most: TimeSpan.FromHours(1), infinite: true),
        S.File("File", "A file.", o => o.File, (o, v) => o.File = v),
        S.Choice<DayOfWeek>("Day", "A day.", o => o.Day, (o, v) => o.Day = v),
        S.Flags<AttributeTargets>("Targets", "Targets.", o => o.Targets, (o, v) => o.Targets |= v, [nameof(AttributeTargets.Class), nameof(AttributeTargets.Event)]),
        S.List("Names", "Names.", o => o.Names),
        S.Section("Within", "A section.", o => o.Within, s_child),
        S.Optional<Options>("Maybe", "A section that may exist.", (o, v) => o.Maybe = v, s_child),
        S.Sections<Options>("Each", "Sections in order.", (o, key, v) => o.Each.Add((key, v.Text)), s_child),
        S.Map<Options>("Named", "Sections by name.", (o, name, v) => o.Each.Add((name, v.Text)), s_child),
        S.TextMap("Texts", "Texts by name.", (o, name, v) => o.Each.Add((name, v))),
        S.ChoiceMap<DayOfWeek>("Days", "Days by name.", (o, name, v) => o.Each.Add((name, v.ToString()))),
        S.ListMap("Lists", "Lists by name.", (o, name, v) => o.Each.Add((name, string.Join('+', v)))),
    ]);

    [Fact]
    public void Every_kind_of_setting_is_read()
    {
        (Options options, ErrorList errors) = Read(new()
        {
            ["Flag"] = "True",
            ["count"] = "77",
            ["Code"] = "0xFF6d",
            ["Share"] = "0.25",
            ["Delay"] = "00:00:07.5",
            ["File"] = "a/b.pem",
            ["Day"] = "monday",
            ["Targets:0"] = "Class",
            ["Targets:1"] = "event",
            ["Names:0"] = "one",
            ["Names:1"] = "two",
            ["Names:2"] = null,
            ["Within:Word"] = "inner",
            ["Maybe:Word"] = "there",
            ["Each:0:Word"] = "first",
            ["Each:1:Word"] = "second",
            ["Named:x:Word"] = "named",
            ["Texts:host:80"] = "http://a",
            ["Days:a"] = "Friday",
            ["Lists:l:0"] = "1",
            ["Lists:l:1"] = "2",
        });
        Assert.Empty(errors.All);
        Assert.True(options.Flag);
        Assert.Equal((77, 0xFF6D, 0.25, TimeSpan.FromSeconds(7.5)), (options.Count, options.Code, options.Share, options.Delay));
        Assert.Equal("/root/a/b.pem", options.File);
        Assert.Equal((DayOfWeek.Monday, AttributeTargets.Class | AttributeTargets.Event), (options.Day, options.Targets));
        Assert.Equal(["one", "two"], options.Names);
        Assert.Equal(("inner", "there"), (options.Within.Text, options.Maybe?.Text));
        Assert.Equal([("S:Each:0", "first"), ("S:Each:1", "second"), ("x", "named"), ("host:80", "http://a"), ("a", "Friday"), ("l", "1+2")], options.Each);
    }

    [Fact]
    public void An_empty_section_changes_nothing()
    {
        (Options options, ErrorList errors) = Read(new() { ["Count"] = "" });
        Assert.Empty(errors.All);
        Assert.Null(options.Maybe);
        foreach (Setting<Options> setting in s_table)
        {
            Assert.Equal(setting.Get?.Invoke(new Options()), setting.Get?.Invoke(options));
        }
    }

    [Theory]
    [InlineData("Flag", "yes", "S:Flag: 'yes' is neither true nor false.")]
    [InlineData("Count", "many", "S:Count: 'many' is not a whole number of apples from 1 to 10,000.")]
    [InlineData("Count", "0", "S:Count: '0' is not a whole number of apples from 1 to 10,000.")]
    [InlineData("Count", "99999999999999999999", "S:Count: '99999999999999999999' is not a whole number of apples from 1 to 10,000.")]
    [InlineData("Count", "0x10", "S:Count: '0x10' is not a whole number of apples from 1 to 10,000.")]
    [InlineData("Code", "70000", "S:Code: '70000' is not a whole number from 0 to 65,535.")]
    [InlineData("Code", "0x10000", "S:Code: '0x10000' is not a whole number from 0 to 65,535.")]
    [InlineData("Share", "1.5", "S:Share: '1.5' is not a number from 0 to 1.")]
    [InlineData("Share", "NaN", "S:Share: 'NaN' is not a number from 0 to 1.")]
    [InlineData("Delay", "7", "S:Delay: '7' is not a time span such as 00:00:10 (more than 00:00:00, at most 01:00:00; -00:00:00.001 for no limit).")]
    [InlineData("Delay", "02:00:00", "S:Delay: '02:00:00' is not a time span such as 00:00:10 (more than 00:00:00, at most 01:00:00; -00:00:00.001 for no limit).")]
    [InlineData("Day", "1", "S:Day: '1' is none of Sunday, Monday, Tuesday, Wednesday, Thursday, Friday, Saturday.")]
    [InlineData("Targets:0", "Method", "S:Targets:0: 'Method' is none of Class, Event.")]
    [InlineData("Targets", "Class", "S:Targets: must be a list: [ \"Class\" ], or the key S:Targets:0.")]
    [InlineData("Names:0:x", "a", "S:Names:0: must be a single value.")]
    [InlineData("Count:0", "1", "S:Count: must be a single value, not a list or an object.")]
    [InlineData("File", "a\0b", "S:File: is not a path: it contains a null character.")]
    [InlineData("Within", "text", "S:Within: must be an object, not a single value.")]
    [InlineData("Within:Wrod", "text", "S:Within:Wrod: there is no such setting. Did you mean Word?")]
    [InlineData("Each", "text", "S:Each: must be a list of objects.")]
    [InlineData("Each:x:Word", "text", "S:Each:x: 'x' is not a position in a list. The order of the entries matters, so this must be a list.")]
    [InlineData("Named", "text", "S:Named: must be an object, not a single value.")]
    [InlineData("Named:x", "text", "S:Named:x: must be an object.")]
    [InlineData("Days:a", "Someday", "S:Days:a: 'Someday' is none of Sunday, Monday, Tuesday, Wednesday, Thursday, Friday, Saturday.")]
    [InlineData("Lists:l", "1", "S:Lists:l: must be a list: [ \"1\" ].")]
    [InlineData("Cuont", "1", "S:Cuont: there is no such setting. Did you mean Count?")]
    public void An_error_has_the_key_of_the_setting(string key, string value, string error)
    {
        (_, ErrorList errors) = Read(new() { [key] = value });
        Assert.Equal(error, Assert.Single(errors.All));
    }

    [Fact]
    public void An_unknown_key_that_is_similar_to_no_other_is_an_error_that_lists_all_keys()
    {
        (_, ErrorList errors) = Read(new() { ["Within:Entirely"] = "1" });
        Assert.Equal("S:Within:Entirely: there is no such setting. The settings here are: Word.", Assert.Single(errors.All));
    }

    [Fact]
    public void All_errors_are_reported_at_once()
    {
        (_, ErrorList errors) = Read(new() { ["Flag"] = "1", ["Count"] = "0", ["Within:X"] = "1", ["Y"] = "1" });
        Assert.Equal(4, errors.All.Count);
    }

    private static (Options Options, ErrorList Errors) Read(Dictionary<string, string?> values)
    {
        IConfiguration configuration = new ConfigurationBuilder().AddInMemoryCollection(values.ToDictionary(static v => $"S:{v.Key}", static v => v.Value)).Build();
        Options options = new();
        ErrorList errors = new();
        new SectionReader(configuration.GetSection("S"), errors, "/root").Read(s_table, options);
        return (options, errors);
    }

    internal sealed class Options
    {
        private Options? _within;

        public bool Flag { get; set; }

        public int Count { get; set; } = 5;

        public ushort Code { get; set; }

        public double Share { get; set; }

        public TimeSpan Delay { get; set; }

        public string? File { get; set; }

        public string? Text { get; set; }

        public DayOfWeek Day { get; set; }

        public AttributeTargets Targets { get; set; }

        public List<string> Names { get; } = [];

        public Options Within => _within ??= new Options();

        public Options? Maybe { get; set; }

        public List<(string Key, string? Value)> Each { get; } = [];
    }
}
