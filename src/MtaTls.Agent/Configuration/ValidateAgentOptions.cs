using Microsoft.Extensions.Options;
using MtaTls.Configuration;

namespace MtaTls.Agent.Configuration;

/// <summary>Checks <see cref="MtaTlsAgentOptions"/> and reports everything that is wrong in one error.</summary>
internal sealed class ValidateAgentOptions(AgentPlanFactory plans) : IValidateOptions<MtaTlsAgentOptions>
{
    public ValidateOptionsResult Validate(string? name, MtaTlsAgentOptions options)
    {
        ErrorList errors = new();
        errors.AddRange(options.ConfigurationErrors.All);
        plans.Create(options, errors);
        return errors.ToResult();
    }
}
