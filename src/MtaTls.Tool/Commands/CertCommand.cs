using System.CommandLine;
using MtaTls.Tool.Certificates;
using MtaTls.Tool.Output;

namespace MtaTls.Tool.Commands;

/// <summary><c>mtatls cert</c>: makes certificates for trials.</summary>
internal static class CertCommand
{
    public static Command Create(Terminal terminal)
    {
        var output = new Option<DirectoryInfo>("--output", "-o") { Description = "The folder for the files. Default: the current folder.", Recursive = true, HelpName = "folder" };
        var force = new Option<bool>("--force") { Description = "Replace existing files.", Recursive = true };
        var days = new Option<int>("--days") { Description = "How many days the certificate is valid. Default: 365 for an authority, else 90.", Recursive = true };
        days.Validators.Add(static result => OptionRange.Check(result, 1, 3_650));
        var command = new Command("cert", "Makes certificates for trials, as PEM files.") { output, force, days };

        var authority = new Command("ca", "Makes an authority: ca.pem and ca.key. Keep ca.key secret.");
        var authorityName = new Option<string>("--name") { Description = "The authority's name.", DefaultValueFactory = _ => "MTA-TLS trial authority" };
        authority.Add(authorityName);
        authority.SetAction(parsed => Run(terminal, parsed, (files, given) => files.CreateAuthority(parsed.GetRequiredValue(authorityName), given ?? 365)));
        command.Add(authority);
        command.Add(Signed("server", "Makes a server certificate: server.pem and server.key, signed with ca.key in the same folder.", isForServers: true, isForClients: false));
        command.Add(Signed("client", "Makes a client certificate: client.pem and client.key, signed with ca.key in the same folder.", isForServers: false, isForClients: true));
        command.Add(Signed("node", "Makes a certificate for one of several gateways, which is a server and a client of the others: node.pem and node.key, signed with ca.key in the same folder.", isForServers: true, isForClients: true));
        return command;

        Command Signed(string kind, string description, bool isForServers, bool isForClients)
        {
            var names = new Argument<string[]>("names") { Description = "DNS names, IP addresses, URIs or e-mail addresses.", Arity = ArgumentArity.OneOrMore };
            var file = new Option<string>("--file") { Description = $"The name of the files, without extension. Default: {kind}.", DefaultValueFactory = _ => kind };
            file.Validators.Add(static result =>
            {
                if (result.Tokens.Count == 1 && (result.Tokens[0].Value.Length == 0 || result.Tokens[0].Value.IndexOfAny(Path.GetInvalidFileNameChars()) >= 0))
                {
                    result.AddError("--file must be a file name without folders.");
                }
            });
            var signed = new Command(kind, description) { names, file };
            signed.SetAction(parsed => Run(terminal, parsed, (files, given) => files.CreateSigned(parsed.GetRequiredValue(file), parsed.GetRequiredValue(names), isForServers, isForClients, given ?? 90)));
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
