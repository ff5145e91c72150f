/** The two files of a home that its floors live in. */
import { join } from 'node:path';
import { FloorDatabase } from './floor-database.ts';
import { FloorMark, type MarkContent } from './floor-mark.ts';
import { FloorUnwritableError } from './sign-state-errors.ts';

/** Name of the mark in a home. */
export const FLOOR_MARK = 'floor.mark';

/** Database and mark, opened together and checked against each other. */
export class FloorFiles implements Disposable {
  readonly database: FloorDatabase;
  readonly mark: FloorMark;

  private constructor(database: FloorDatabase, mark: FloorMark) {
    this.database = database;
    this.mark = mark;
  }

  /** `committed`: the newest generation this process knows of, should the mark have been set back with the database. */
  static open(directory: string, committed: bigint): FloorFiles {
    // A home without both is a new one, and says so.
    FloorDatabase.assertPresent(directory);
    const mark = FloorMark.open(join(directory, FLOOR_MARK));
    let database: FloorDatabase | undefined;
    try {
      const marked = mark.read();
      const expected: MarkContent = {
        homeId: marked.homeId,
        generation: marked.generation > committed ? marked.generation : committed,
      };
      database = FloorDatabase.open(directory, expected);
      writeMark(directory, mark, database.generation);
      return new FloorFiles(database, mark);
    } catch (error) {
      database?.close();
      mark[Symbol.dispose]();
      throw error;
    }
  }

  [Symbol.dispose](): void {
    try {
      this.database.close();
    } finally {
      this.mark[Symbol.dispose]();
    }
  }
}

function writeMark(directory: string, mark: FloorMark, generation: bigint): void {
  try {
    mark.write(generation);
  } catch (cause) {
    throw new FloorUnwritableError(directory, { cause });
  }
}
