using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace MtaTls.Documentation.Tests.Snippets;

/// <summary>
/// Compiles a block of C# as in a web project: only with that project's implicit usings and the block's own usings. A block that is a part of a program may use the variables below, which ASP.NET Core
/// applications usually have under these names.
/// </summary>
internal static class SnippetCompiler
{
    // The implicit usings of Microsoft.NET.Sdk.Web.
    private static readonly string[] s_implicitUsings =
    [
        "System", "System.Collections.Generic", "System.IO", "System.Linq", "System.Net.Http", "System.Net.Http.Json", "System.Threading", "System.Threading.Tasks",
        "Microsoft.AspNetCore.Builder", "Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Http", "Microsoft.AspNetCore.Routing", "Microsoft.Extensions.Configuration",
        "Microsoft.Extensions.DependencyInjection", "Microsoft.Extensions.Hosting", "Microsoft.Extensions.Logging",
    ];

    // The implicit usings of Aspire.AppHost.Sdk, in addition to those of a web project.
    private static readonly string[] s_appHostUsings = ["Aspire.Hosting", "Aspire.Hosting.ApplicationModel"];

    private const string Surroundings = """
        #nullable enable
        static partial class Program
        {
            static string[] args => throw null!;
            static Microsoft.AspNetCore.Builder.WebApplicationBuilder builder => throw null!;
            static Microsoft.AspNetCore.Builder.WebApplication app => throw null!;
            static Microsoft.AspNetCore.Server.Kestrel.Core.KestrelServerOptions kestrel => throw null!;
            static Microsoft.AspNetCore.Server.Kestrel.Core.ListenOptions listen => throw null!;
            static System.Security.Cryptography.X509Certificates.X509Certificate2 certificate => throw null!;
            static System.Net.Http.SocketsHttpHandler handler => throw null!;
            static System.Net.WebSockets.ClientWebSocket socket => throw null!;
            static MtaTls.Client.MtaTlsClient client => throw null!;
            static System.Threading.CancellationToken cancellationToken => throw null!;
        }

        sealed class GreetingHandler : Microsoft.AspNetCore.Connections.ConnectionHandler
        {
            public override System.Threading.Tasks.Task OnConnectedAsync(Microsoft.AspNetCore.Connections.ConnectionContext connection) => System.Threading.Tasks.Task.CompletedTask;
        }
        """;

    private static readonly CSharpParseOptions s_options = new(LanguageVersion.Latest);

    private static readonly Lazy<MetadataReference[]> s_references = new(static () =>
    [
        .. ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator)
            .Where(static f => f.Length > 0 && !Path.GetFileName(f).StartsWith("MtaTls.Documentation", StringComparison.Ordinal))
            .Select(static f => MetadataReference.CreateFromFile(f)),
    ]);

    /// <summary>The errors of a block; empty: it compiles.</summary>
    public static string Errors(string code)
    {
        CompilationUnitSyntax parsed = SyntaxFactory.ParseCompilationUnit(code, options: s_options);
        bool isAppHost = code.Contains("DistributedApplication.CreateBuilder", StringComparison.Ordinal);
        string usings = string.Concat(s_implicitUsings.Concat(isAppHost ? s_appHostUsings : []).Select(static u => $"global using {u};\n"));
        string body = string.Concat(parsed.Members.OfType<GlobalStatementSyntax>().Select(static s => s.ToFullString()));
        string types = string.Concat(parsed.Members.Where(static m => m is not GlobalStatementSyntax).Select(static m => m.ToFullString()));
        string program = $$"""
            #nullable enable
            {{string.Concat(parsed.Usings.Select(static u => u.ToFullString()))}}
            static partial class Program
            {
                static async Task Main()
                {
                    await Task.CompletedTask;
            {{body}}
                }
            }
            {{types}}
            """;
        var compilation = CSharpCompilation.Create(
            "Snippet", [Parse(usings), Parse(Surroundings), Parse(program)], s_references.Value, new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary, nullableContextOptions: NullableContextOptions.Enable));
        return string.Join("; ", parsed.GetDiagnostics().Concat(compilation.GetDiagnostics()).Where(static d => d.Severity == DiagnosticSeverity.Error).Select(static d => d.GetMessage(System.Globalization.CultureInfo.InvariantCulture)));
    }

    private static SyntaxTree Parse(string text) => CSharpSyntaxTree.ParseText(text, s_options);
}
