using System.CommandLine;
using MtaTls.Tool.Certificates;
using MtaTls.Tool.Output;

namespace MtaTls.Tool.Commands;

/// <summary><c>mtatls cert</c>: certificates for trials.</summary>
internal static class CertCommand
{
    public static Command Create(Terminal terminal)
    {
        var output = new Option<DirectoryInfo>("--output", "-o") { Description = "The folder of the files. Default: the current one.", Recursive = true, HelpName = "folder" };
        var force = new Option<bool>("--force") { Description = "Replace files that exist.", Recursive = true };
        var days = new Option<int>("--days") { Description = "How many days the certificate is valid. Default: 365 for an authority, else 90.", Recursive = true };
        days.Validators.Add(static result => OptionRange.Check(result, 1, 3_650));
        var command = new Command("cert", "Makes certificates for trials, as PEM files.") { output, force, days };

        var authority = new Command("ca", "Makes an authority: ca.pem and ca.key. Keep ca.key to yourself.");
        var authorityName = new Option<string>("--name") { Description = "The authority's name.", DefaultValueFactory = _ => "MTA-TLS trial authority" };
        authority.Add(authorityName);
        authority.SetAction(parsed => Run(terminal, parsed, (files, given) => files.CreateAuthority(parsed.GetRequiredValue(authorityName), given ?? 365)));
        command.Add(authority);
        command.Add(Signed("server", "Makes a server's certificate: server.pem and server.key, signed by ca.key in the same folder.", isServer: true));
        command.Add(Signed("client", "Makes a client's certificate: client.pem and client.key, signed by ca.key in the same folder.", isServer: false));
        return command;

        Command Signed(string kind, string description, bool isServer)
        {
            var names = new Argument<string[]>("names") { Description = "DNS names, IP addresses, URIs or e-mail addresses.", Arity = ArgumentArity.OneOrMore };
            var file = new Option<string>("--file") { Description = $"The files' name without extension. Default: {kind}.", DefaultValueFactory = _ => kind };
            file.Validators.Add(static result =>
            {
                if (result.Tokens.Count == 1 && (result.Tokens[0].Value.Length == 0 || result.Tokens[0].Value.IndexOfAny(Path.GetInvalidFileNameChars()) >= 0))
                {
                    result.AddError("--file is a name without folders.");
                }
            });
            var signed = new Command(kind, description) { names, file };
            signed.SetAction(parsed => Run(terminal, parsed, (files, given) => files.CreateSigned(parsed.GetRequiredValue(file), parsed.GetRequiredValue(names), isServer, given ?? 90)));
            return signed;
        }

        int Run(Terminal terminal, ParseResult parsed, Func<TrialCertificates, int?, IReadOnlyList<string>> create)
        {
            var files = new TrialCertificates(parsed.GetValue(output) ?? new DirectoryInfo(Directory.GetCurrentDirectory()), parsed.GetValue(force));
            try
            {
                foreach (string path in create(files, parsed.GetValue(days) is var given and not 0 ? given : null))
                {
                    terminal.WriteLine(path);
                }

                return ExitCode.Success;
            }
            catch (ToolException e)
            {
                return terminal.Fail(e);
            }
        }
    }
}
