import { createProgram } from '@elbo/cli/program';

export async function cliReference() {
  const program = await createProgram();
  const commands = withInner(program).map(({ path, command }) => `## ${path}\n\n\`\`\`\n${helpOf(command)}\n\`\`\``);
  return `# The command line

What \`elbo --help\` and \`elbo <command> --help\` print. In a clone of the repository it is \`npx elbo\`.

${commands.join('\n\n')}
`;
}

function withInner(command, path = command.name()) {
  const inner = command.commands.flatMap((each) => withInner(each, `${path} ${each.name()}`));
  return [{ path, command }, ...inner];
}

function helpOf(command) {
  let text = '';
  command.configureHelp({ helpWidth: 110 }).configureOutput({ writeOut: (part) => (text += part) });
  command.outputHelp();
  return text.trim();
}
