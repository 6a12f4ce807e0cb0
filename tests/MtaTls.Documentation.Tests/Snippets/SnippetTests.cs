using System.Text.Json.Nodes;
using MtaTls.Documentation.Tests.Schema;

namespace MtaTls.Documentation.Tests.Snippets;

/// <summary>Each block of C# on a page compiles, and each block of JSON is valid, so that readers can copy them.</summary>
public sealed class SnippetTests
{
    public static TheoryData<string> CSharp() => [.. Snippet.Find("csharp").Select(static s => s.ToString())];

    public static TheoryData<string> Json() => [.. Snippet.Find("json").Select(static s => s.ToString())];

    [Theory]
    [MemberData(nameof(CSharp))]
    public void Each_block_of_CSharp_compiles(string snippet) => Assert.Equal("", SnippetCompiler.Errors(Snippet.Find("csharp").Single(s => s.ToString() == snippet).Code));

    [Theory]
    [MemberData(nameof(Json))]
    public async Task Each_block_of_JSON_is_valid(string snippet) => Assert.Equal("", await ErrorsAsync(Snippet.Find("json").Single(s => s.ToString() == snippet).Code));

    [Fact]
    public void No_block_uses_a_language_name_that_the_tests_ignore() => Assert.Empty(Snippet.Find("cs").Concat(Snippet.Find("jsonc")));

    [Theory]
    [InlineData("builder.WebHost.UseMtaTls(o => o.Limit = 1);")]
    [InlineData("var mode = DataMultiplexingMode.Required;")]
    [InlineData("builder.WebHost.UseMtaTls(")]
    public void A_broken_block_of_CSharp_is_found(string code) => Assert.NotEqual("", SnippetCompiler.Errors(code));

    [Fact]
    public void A_block_has_its_own_usings_variables_and_types()
        => Assert.Equal("", SnippetCompiler.Errors("using MtaTls.Tls;\n\nvar builder = WebApplication.CreateBuilder(args);\nMine mine = new(DataMultiplexingMode.Required);\nsealed record Mine(DataMultiplexingMode Mode);"));

    [Theory]
    [InlineData("\"MtaTls\": { \"Limit\": 1 }")]
    [InlineData("{ \"MtaTls\": { \"Limits\": { \"MaxChannels\": 0 } } }")]
    [InlineData("\"MtaTls\": {")]
    public async Task A_broken_block_of_JSON_is_found(string json) => Assert.NotEqual("", await ErrorsAsync(json));

    // A block may show only one section.
    private static async Task<string> ErrorsAsync(string json)
    {
        try
        {
            JsonNode parsed = Repository.ParseJson(json.TrimStart().StartsWith('{') ? json : $"{{ {json} }}");
            return await Schemas.ErrorsAsync(parsed.AsObject());
        }
        catch (System.Text.Json.JsonException e)
        {
            return e.Message;
        }
    }
}
